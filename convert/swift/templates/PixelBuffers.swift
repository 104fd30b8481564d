import CoreML
import CoreVideo
import Foundation

/// Between 32BGRA pixel buffers and what the model takes and gives.
enum PixelBuffers {
    static func check(_ frame: CVPixelBuffer, width: Int, height: Int) throws {
        let format = CVPixelBufferGetPixelFormatType(frame)
        guard format == kCVPixelFormatType_32BGRA else { throw RestorerError.pixelFormat(format) }
        let size = (CVPixelBufferGetWidth(frame), CVPixelBufferGetHeight(frame))
        guard size == (width, height) else {
            throw RestorerError.size(width: size.0, height: size.1, expectedWidth: width, expectedHeight: height)
        }
    }

    /// The frame as the model wants it: as it is for image inputs, else as RGB planes in [0, 1].
    static func featureValue(of frame: CVPixelBuffer, for port: RestorerModel.Port) throws -> MLFeatureValue {
        if port.kind == .image { return MLFeatureValue(pixelBuffer: frame) }
        let array = try MLMultiArray(shape: port.shape.map { NSNumber(value: $0) }, dataType: port.dataType)
        switch port.dataType {
        case .float16: fill(array, from: frame, as: Half.self)
        default: fill(array, from: frame, as: Float.self)
        }
        return MLFeatureValue(multiArray: array)
    }

    /// A 32BGRA pixel buffer of an output.
    static func pixelBuffer(of value: MLFeatureValue, like function: RestorerModel.Function) throws -> CVPixelBuffer {
        if let image = value.imageBufferValue { return image }
        guard let array = value.multiArrayValue else { throw RestorerError.output(function.restored.name) }
        let buffer = try makeBuffer(width: function.width, height: function.height)
        switch array.dataType {
        case .float16: write(array, to: buffer, as: Half.self)
        default: write(array, to: buffer, as: Float.self)
        }
        return buffer
    }

    static func zeros(_ port: RestorerModel.Port) throws -> MLMultiArray {
        let array = try MLMultiArray(shape: port.shape.map { NSNumber(value: $0) }, dataType: port.dataType)
        array.withUnsafeMutableBytes { bytes, _ in
            _ = bytes.initializeMemory(as: UInt8.self, repeating: 0)
        }
        return array
    }

{{#hint}}
    /// A (1, 1, H, W) array of the numbers that `value` gives for a row and a column.
    static func plane(_ port: RestorerModel.Port, of value: (Int, Int) -> Float) throws -> MLMultiArray {
        let array = try zeros(port)
        switch port.dataType {
        case .float16: fill(array, as: Half.self, with: value)
        default: fill(array, as: Float.self, with: value)
        }
        return array
    }

    private static func fill<Number: ArrayNumber>(
        _ array: MLMultiArray, as type: Number.Type, with value: (Int, Int) -> Float
    ) {
        let sizes = array.shape.map { $0.intValue }
        array.withUnsafeMutableBytes { bytes, strides in
            guard let numbers = bytes.baseAddress?.assumingMemoryBound(to: Number.self) else { return }
            for row in 0..<sizes[sizes.count - 2] {
                for column in 0..<sizes[sizes.count - 1] {
                    let at = row * strides[strides.count - 2] + column * strides[strides.count - 1]
                    numbers[at] = Number(value(row, column))
                }
            }
        }
    }

{{/hint}}
    static func makeBuffer(width: Int, height: Int) throws -> CVPixelBuffer {
        var buffer: CVPixelBuffer?
        let attributes = [kCVPixelBufferIOSurfacePropertiesKey: [:] as CFDictionary] as CFDictionary
        let status = CVPixelBufferCreate(
            kCFAllocatorDefault, width, height, kCVPixelFormatType_32BGRA, attributes, &buffer
        )
        guard status == kCVReturnSuccess, let made = buffer else { throw RestorerError.pixelBuffer(status) }
        return made
    }

    /// RGB planes of a (1, 3, H, W) array from bytes B, G, R, A.
    private static func fill<Number: ArrayNumber>(
        _ array: MLMultiArray, from frame: CVPixelBuffer, as type: Number.Type
    ) {
        CVPixelBufferLockBaseAddress(frame, .readOnly)
        defer { CVPixelBufferUnlockBaseAddress(frame, .readOnly) }
        guard let base = CVPixelBufferGetBaseAddress(frame) else { return }
        let (width, height) = (CVPixelBufferGetWidth(frame), CVPixelBufferGetHeight(frame))
        let rowBytes = CVPixelBufferGetBytesPerRow(frame)
        array.withUnsafeMutableBytes { bytes, strides in
            guard let numbers = bytes.baseAddress?.assumingMemoryBound(to: Number.self) else { return }
            let plane = strides[strides.count - 3], row = strides[strides.count - 2]
            let column = strides[strides.count - 1]
            DispatchQueue.concurrentPerform(iterations: height) { y in
                let pixels = base.advanced(by: y * rowBytes).assumingMemoryBound(to: UInt8.self)
                for x in 0..<width {
                    let at = y * row + x * column
                    for channel in 0..<3 {
                        numbers[channel * plane + at] = Number(Float(pixels[4 * x + 2 - channel]) / 255)
                    }
                }
            }
        }
    }

    private static func write<Number: ArrayNumber>(
        _ array: MLMultiArray, to buffer: CVPixelBuffer, as type: Number.Type
    ) {
        CVPixelBufferLockBaseAddress(buffer, [])
        defer { CVPixelBufferUnlockBaseAddress(buffer, []) }
        guard let base = CVPixelBufferGetBaseAddress(buffer) else { return }
        let (width, height) = (CVPixelBufferGetWidth(buffer), CVPixelBufferGetHeight(buffer))
        let rowBytes = CVPixelBufferGetBytesPerRow(buffer)
        let strides = array.strides.map { $0.intValue }
        array.withUnsafeBytes { bytes in
            guard let numbers = bytes.baseAddress?.assumingMemoryBound(to: Number.self) else { return }
            let plane = strides[strides.count - 3], row = strides[strides.count - 2]
            let column = strides[strides.count - 1]
            DispatchQueue.concurrentPerform(iterations: height) { y in
                let pixels = base.advanced(by: y * rowBytes).assumingMemoryBound(to: UInt8.self)
                for x in 0..<width {
                    let at = y * row + x * column
                    for channel in 0..<3 {
                        let value = numbers[channel * plane + at].asFloat
                        // Not a number becomes black: UInt8 would trap on it.
                        let inside = value > 0 ? min(value, 1) : 0
                        pixels[4 * x + 2 - channel] = UInt8((inside * 255).rounded())
                    }
                    pixels[4 * x + 3] = 255
                }
            }
        }
    }
}
