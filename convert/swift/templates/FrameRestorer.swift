import CoreML
import CoreVideo
import os

/// A restored frame. `mask`, where the network predicts one, is 1 where it saw an artifact.
public struct RestoredFrame: @unchecked Sendable {
    public let frame: CVPixelBuffer
    public let mask: MLFeatureValue?
}

/// Restores the frames of a video in the order in which they are given, and remembers what the network remembers.
///
/// Frames are 32BGRA pixel buffers of the function's size; AVFoundation scales and converts on request.
public final class FrameRestorer: Sendable {
    public let function: RestorerModel.Function
    private let model: RecurrentModel
    /// The end of the line: what is given next begins when it is done. Tasks on an actor have no promised order.
    private let last = OSAllocatedUnfairLock<Task<Void, Never>?>(initialState: nil)

    public init(
        function: RestorerModel.Function = RestorerModel.defaultFunction,
        computeUnits: MLComputeUnits = .cpuAndNeuralEngine
    ) async throws {
        self.function = function
        self.model = try await RecurrentModel(function: function, computeUnits: computeUnits)
    }

    /// Starts another video: frames that are given from now on see nothing of those before.
    public func startVideo() {
        let model = self.model
        _ = inLine { await model.forget() }
    }

    /// The restored frame, when those that were given before are done.
{{#hint}}
    ///
    /// `hint`, which `hint(from:)` makes of a mask, says where overlays are. Without it the network finds them itself.
    public func restore(_ frame: CVPixelBuffer, hint: MLMultiArray? = nil) async throws -> RestoredFrame {
        try await enqueue(frame, hint: hint).value
    }
{{/hint}}
{{^hint}}
    public func restore(_ frame: CVPixelBuffer) async throws -> RestoredFrame {
        try await enqueue(frame).value
    }
{{/hint}}

    /// Puts a frame in line at once, for callers that give the next one before they have the last one back.
    ///
    /// The order of these calls, and of those of `startVideo`, is the order of the video. Give a few frames ahead, not
    /// a whole video: each is held until it is restored.
{{#hint}}
    public func enqueue(_ frame: CVPixelBuffer, hint: MLMultiArray? = nil) -> Task<RestoredFrame, any Error> {
        let given = GivenFrame(frame: frame, hint: hint)
{{/hint}}
{{^hint}}
    public func enqueue(_ frame: CVPixelBuffer) -> Task<RestoredFrame, any Error> {
        let given = GivenFrame(frame: frame)
{{/hint}}
        let model = self.model
        return inLine { try await model.restore(given) }
    }

    /// An empty frame that the function takes, to draw into.
    public func makeFrame() throws -> CVPixelBuffer {
        try PixelBuffers.makeBuffer(width: function.width, height: function.height)
    }

    private func inLine<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) -> Task<Value, any Error> {
        last.withLock { last in
            let previous = last
            let task = Task<Value, any Error> {
                await previous?.value
                return try await work()
            }
            last = Task { _ = await task.result }
            return task
        }
    }
}
