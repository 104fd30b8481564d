// An app in one file: plays a video, restored. Make an app target in Xcode, add this package as a local dependency, and
// put this file in the app.

import AVFoundation
import CoreImage
import SwiftUI
import UniformTypeIdentifiers
import {{module}}

@main
struct RestoredVideoApp: App {
    var body: some Scene {
        WindowGroup { PlayerView() }
    }
}

struct PlayerView: View {
    @StateObject private var player = RestoredPlayer()
    @State private var choosing = false

    var body: some View {
        VStack(spacing: 16) {
            if let frame = player.frame {
                Image(decorative: frame, scale: 1).resizable().scaledToFit()
            }
            Text(player.status).monospacedDigit()
            Button("Choose a video") { choosing = true }
        }
        .padding()
        .fileImporter(isPresented: $choosing, allowedContentTypes: [.movie]) { result in
            if case .success(let url) = result { player.play(url) }
        }
    }
}

@MainActor
final class RestoredPlayer: ObservableObject {
    @Published var frame: CGImage?
    @Published var status = "No video"
    private let context = CIContext()
    private var playing: Task<Void, Never>?

    func play(_ url: URL) {
        playing?.cancel()
        playing = Task {
            let reachable = url.startAccessingSecurityScopedResource()
            defer { if reachable { url.stopAccessingSecurityScopedResource() } }
            do {
                status = "Loading the model; the first time takes longer"
                try await show(url, with: FrameRestorer())
            } catch {
                status = error.localizedDescription
            }
        }
    }

    private func show(_ url: URL, with restorer: FrameRestorer) async throws {
        let asset = AVURLAsset(url: url)
        guard let track = try await asset.loadTracks(withMediaType: .video).first else {
            status = "This file has no video"
            return
        }
        let reader = try AVAssetReader(asset: asset)
        // AVFoundation scales and converts to what the model takes.
        let output = AVAssetReaderTrackOutput(track: track, outputSettings: [
            kCVPixelBufferPixelFormatTypeKey as String: kCVPixelFormatType_32BGRA,
            kCVPixelBufferWidthKey as String: restorer.function.width,
            kCVPixelBufferHeightKey as String: restorer.function.height,
            kCVPixelBufferIOSurfacePropertiesKey as String: [String: Any](),
        ])
        reader.add(output)
        reader.startReading()
        var count = 0
        let started = ContinuousClock.now
        while !Task.isCancelled, let sample = output.copyNextSampleBuffer() {
            guard let buffer = CMSampleBufferGetImageBuffer(sample) else { continue }
            let restored = try await restorer.restore(buffer)
            let image = CIImage(cvPixelBuffer: restored.frame)
            frame = context.createCGImage(image, from: image.extent)
            count += 1
            let seconds = started.duration(to: .now) / Duration.seconds(1)
            status = String(format: "%d frames, %.1f a second", count, Double(count) / seconds)
        }
    }
}
