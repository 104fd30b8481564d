import CoreML
import CoreVideo

/// A restored frame. `mask`, where the network predicts one, is 1 where it saw an artifact.
public struct Restored: @unchecked Sendable {
    public let frame: CVPixelBuffer
    public let mask: MLFeatureValue?
}

public enum RestorerError: Error {
    /// The frame does not measure what the function takes, in pixels.
    case size(width: Int, height: Int, expectedWidth: Int, expectedHeight: Int)
    /// The frame is not `kCVPixelFormatType_32BGRA`.
    case pixelFormat(OSType)
    /// The package lacks an output that its specification names.
    case output(String)
    case pixelBuffer(CVReturn)
}

/// Restores the frames of one video, one after the other, and remembers what the network remembers.
///
/// Frames are 32BGRA pixel buffers of the function's size; AVFoundation scales and converts on request. Calls may
/// overlap: they are run in the order in which they were made.
public actor FrameRestorer {
    public nonisolated let function: Function
    private let model: MLModel
{{#states}}
    private var state: MLState
{{/states}}
{{#carried}}
    private var memory: [String: MLMultiArray]
{{/carried}}
{{#hint}}
    /// All zeros: nothing is known.
    private let unknown: MLFeatureValue?
{{/hint}}
    private var pending: Task<Restored, Error>?

    public init(
        function: Function = Interface.defaultFunction,
        computeUnits: MLComputeUnits = .cpuAndNeuralEngine
    ) async throws {
        let configuration = MLModelConfiguration()
        configuration.computeUnits = computeUnits
{{#functions}}
        configuration.functionName = function.name
{{/functions}}
        let compiled = try await ModelStore.compiledModel()
        let model = try await MLModel.load(contentsOf: compiled, configuration: configuration)
        self.function = function
        self.model = model
{{#hint}}
        self.unknown = try function.hint.map { MLFeatureValue(multiArray: try PixelBuffers.zeros($0)) }
{{/hint}}
{{#states}}
        self.state = model.makeState()
{{/states}}
{{#carried}}
        self.memory = try Self.empty(function)
{{/carried}}
    }

    /// Forgets the last video. All-zeros states start one.
    public func startVideo() async throws {
        _ = await pending?.result
{{#states}}
        state = model.makeState()
{{/states}}
{{#carried}}
        memory = try Self.empty(function)
{{/carried}}
    }

    /// The restored frame. The state goes from call to call, so a call waits for the one before.
{{#hint}}
    ///
    /// `hint`, an array of `function.hint`'s shape, says where overlays are: 1 here, -1 not here, 0 unknown. Without
    /// it the network finds them itself.
    public func restore(_ frame: CVPixelBuffer, hint: MLMultiArray? = nil) async throws -> Restored {
        let hint = hint.map { MLFeatureValue(multiArray: $0) }
{{/hint}}
{{^hint}}
    public func restore(_ frame: CVPixelBuffer) async throws -> Restored {
{{/hint}}
        let previous = pending
        let task = Task {
            _ = await previous?.result
{{#hint}}
            return try await self.predict(frame, hint: hint)
{{/hint}}
{{^hint}}
            return try await self.predict(frame)
{{/hint}}
        }
        pending = task
        return try await task.value
    }

{{#hint}}
    private func predict(_ frame: CVPixelBuffer, hint: MLFeatureValue?) async throws -> Restored {
{{/hint}}
{{^hint}}
    private func predict(_ frame: CVPixelBuffer) async throws -> Restored {
{{/hint}}
        try PixelBuffers.check(frame, width: function.width, height: function.height)
        var inputs: [String: MLFeatureValue] = [:]
        inputs[function.frames.name] = try PixelBuffers.featureValue(of: frame, for: function.frames)
{{#hint}}
        if let port = function.hint {
            inputs[port.name] = hint ?? unknown
        }
{{/hint}}
{{#carried}}
        for carried in function.carried {
            inputs[carried.input.name] = memory[carried.input.name].map { MLFeatureValue(multiArray: $0) }
        }
{{/carried}}
        let provider = try MLDictionaryFeatureProvider(dictionary: inputs)
{{#states}}
        let output = try await model.prediction(from: provider, using: state)
{{/states}}
{{^states}}
        let output = try await model.prediction(from: provider, options: MLPredictionOptions())
{{/states}}
{{#carried}}
        for carried in function.carried {
            guard let next = output.featureValue(for: carried.output)?.multiArrayValue else {
                throw RestorerError.output(carried.output)
            }
            memory[carried.input.name] = next
        }
{{/carried}}
        guard let restored = output.featureValue(for: function.restored.name) else {
            throw RestorerError.output(function.restored.name)
        }
        let mask = function.mask.flatMap { output.featureValue(for: $0.name) }
        return Restored(frame: try PixelBuffers.pixelBuffer(of: restored, like: function), mask: mask)
    }
{{#carried}}

    private static func empty(_ function: Function) throws -> [String: MLMultiArray] {
        var arrays: [String: MLMultiArray] = [:]
        for carried in function.carried {
            arrays[carried.input.name] = try PixelBuffers.zeros(carried.input)
        }
        return arrays
    }
{{/carried}}
}
