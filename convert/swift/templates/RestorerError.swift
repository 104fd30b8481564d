import CoreVideo
import Foundation

public enum RestorerError: Error {
    /// The frame does not measure what the function takes, in pixels.
    case size(width: Int, height: Int, expectedWidth: Int, expectedHeight: Int)
    /// The frame is not `kCVPixelFormatType_32BGRA`.
    case pixelFormat(OSType)
    /// The package lacks an output that its specification names.
    case output(String)
    case pixelBuffer(CVReturn)
    /// The app's bundle lacks the Core ML package.
    case missingModel(String)
{{#hint}}
    /// The function takes no hint, or the mask cannot be drawn.
    case hint
{{/hint}}
}

extension RestorerError: LocalizedError {
    public var errorDescription: String? {
        switch self {
        case .size(let width, let height, let expectedWidth, let expectedHeight):
            return "The frame is \(width) × \(height) pixels; the model takes \(expectedWidth) × \(expectedHeight)."
        case .pixelFormat(let format):
            let bytes = withUnsafeBytes(of: format.bigEndian) { Array($0) }
            let code = String(decoding: bytes, as: UTF8.self)
            return "The frame has the pixel format \(code) (\(format)); the model takes 32BGRA."
        case .output(let name):
            return "The model gave no output named \(name)."
        case .pixelBuffer(let status):
            return "A pixel buffer could not be made (CVReturn \(status))."
        case .missingModel(let name):
            return "The app's bundle has no \(name).mlpackage."
{{#hint}}
        case .hint:
            return "The mask cannot be made a hint: the function takes none, or the mask cannot be drawn."
{{/hint}}
        }
    }
}
