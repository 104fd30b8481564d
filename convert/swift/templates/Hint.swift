import CoreGraphics
import CoreML

extension FrameRestorer {
    /// The hint that a mask gives: 1 (an overlay is here) where it is light, -1 (none is here) where it is dark or
    /// transparent.
    ///
    /// The mask may be of any size; it is stretched over the frame. Keep the hint for as long as the mask holds.
    public func hint(from mask: CGImage) throws -> MLMultiArray {
        guard let port = function.hint else { throw RestorerError.hint }
        let (width, height) = (port.shape[port.shape.count - 1], port.shape[port.shape.count - 2])
        let whole = CGRect(x: 0, y: 0, width: width, height: height)
        guard let context = CGContext(
            data: nil, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 0,
            space: CGColorSpaceCreateDeviceGray(), bitmapInfo: CGImageAlphaInfo.none.rawValue
        ) else { throw RestorerError.hint }
        // What is transparent stays black.
        context.setFillColor(gray: 0, alpha: 1)
        context.fill(whole)
        context.draw(mask, in: whole)
        guard let levels = context.data?.assumingMemoryBound(to: UInt8.self) else { throw RestorerError.hint }
        let rowBytes = context.bytesPerRow
        return try withExtendedLifetime(context) {
            try PixelBuffers.plane(port) { row, column in levels[row * rowBytes + column] < 128 ? -1 : 1 }
        }
    }
}
