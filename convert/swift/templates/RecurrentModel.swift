import CoreML
import CoreVideo

/// A frame on its way to the model, which alone uses it from then on.
struct GivenFrame: @unchecked Sendable {
    let frame: CVPixelBuffer
{{#hint}}
    let hint: MLMultiArray?
{{/hint}}
}

/// The loaded model and its memory. `FrameRestorer` calls it for one frame at a time.
actor RecurrentModel {
    private let function: RestorerModel.Function
    private let model: MLModel
{{#states}}
    private var state: MLState
{{/states}}
{{#carried}}
    /// All zeros: the memory with which a video starts.
    private let empty: [String: MLMultiArray]
    private var memory: [String: MLMultiArray]
{{/carried}}
{{#hint}}
    /// All zeros: nothing is known.
    private let unknown: MLFeatureValue?
{{/hint}}

    init(function: RestorerModel.Function, computeUnits: MLComputeUnits) async throws {
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
        var empty: [String: MLMultiArray] = [:]
        for carried in function.carried {
            empty[carried.input.name] = try PixelBuffers.zeros(carried.input)
        }
        self.empty = empty
        self.memory = empty
{{/carried}}
    }

    /// All-zeros states start a video.
    func forget() {
{{#states}}
        state = model.makeState()
{{/states}}
{{#carried}}
        memory = empty
{{/carried}}
    }

    func restore(_ given: GivenFrame) async throws -> RestoredFrame {
        try PixelBuffers.check(given.frame, width: function.width, height: function.height)
        var inputs: [String: MLFeatureValue] = [:]
        inputs[function.frames.name] = try PixelBuffers.featureValue(of: given.frame, for: function.frames)
{{#hint}}
        if let port = function.hint {
            inputs[port.name] = given.hint.map { MLFeatureValue(multiArray: $0) } ?? unknown
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
        return RestoredFrame(frame: try PixelBuffers.pixelBuffer(of: restored, like: function), mask: mask)
    }
}
