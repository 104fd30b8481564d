import CoreML
import Foundation

/// The compiled model: compiled on this device at first use, and kept until the package changes.
enum ModelStore {
    static func compiledModel() async throws -> URL {
        // An app that compiles the model in Xcode has it in its main bundle.
        if let built = Bundle.main.url(forResource: Interface.package, withExtension: "mlmodelc") {
            return built
        }
        guard let source = Bundle.module.url(forResource: Interface.package, withExtension: "mlpackage") else {
            throw CocoaError(.fileNoSuchFile)
        }
        let manager = FileManager.default
        let folder = try manager.url(
            for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true
        ).appendingPathComponent("vader-mlx", isDirectory: true)
        let kept = folder.appendingPathComponent("\(Interface.fingerprint).mlmodelc", isDirectory: true)
        if manager.fileExists(atPath: kept.path) {
            return kept
        }
        try manager.createDirectory(at: folder, withIntermediateDirectories: true)
        let compiled = try await MLModel.compileModel(at: source)
        do {
            try manager.moveItem(at: compiled, to: kept)
        } catch {
            // Another restorer was faster.
            guard manager.fileExists(atPath: kept.path) else { throw error }
        }
        return kept
    }
}
