import CoreML
import Foundation

/// The compiled model: compiled on this device at first use, and kept until the package changes.
enum ModelStore {
    static func compiledModel() async throws -> URL {
        // An app that compiles the model in Xcode has it in its main bundle.
        if let built = Bundle.main.url(forResource: RestorerModel.package, withExtension: "mlmodelc") {
            return built
        }
        guard let source = Bundle.module.url(forResource: RestorerModel.package, withExtension: "mlpackage") else {
            throw RestorerError.missingModel(RestorerModel.package)
        }
        let manager = FileManager.default
        let folder = try makeFolder()
        let kept = folder.appendingPathComponent("\(RestorerModel.fingerprint).mlmodelc", isDirectory: true)
        if !manager.fileExists(atPath: kept.path) {
            let compiled = try await MLModel.compileModel(at: source)
            defer { try? manager.removeItem(at: compiled) }
            do {
                try manager.moveItem(at: compiled, to: kept)
            } catch {
                // Another restorer was faster.
                guard manager.fileExists(atPath: kept.path) else { throw error }
            }
        }
        removeOthers(in: folder, than: kept)
        return kept
    }

    /// The folder of this app's compiled models of this package. It can be made again, so no backup holds it.
    private static func makeFolder() throws -> URL {
        let support = try FileManager.default.url(
            for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true
        )
        let app = Bundle.main.bundleIdentifier ?? ProcessInfo.processInfo.processName
        var folder = support
            .appendingPathComponent(app, isDirectory: true)
            .appendingPathComponent({{module_literal}}, isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var values = URLResourceValues()
        values.isExcludedFromBackup = true
        try folder.setResourceValues(values)
        return folder
    }

    /// Removes what earlier versions of the app compiled.
    private static func removeOthers(in folder: URL, than kept: URL) {
        let manager = FileManager.default
        let found = try? manager.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        for model in found ?? [] where model.lastPathComponent != kept.lastPathComponent {
            try? manager.removeItem(at: model)
        }
    }
}
