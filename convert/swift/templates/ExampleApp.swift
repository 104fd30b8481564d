// An app in one file: plays a video, restored. Make an app target in Xcode, add this package as a local dependency, and
// put this file in the app.

import AVKit
import SwiftUI
import UniformTypeIdentifiers
import {{module}}

@main
struct RestoredVideoApp: SwiftUI.App {
    var body: some SwiftUI.Scene {
        WindowGroup { PlayerView() }
    }
}

struct PlayerView: SwiftUI.View {
    @StateObject private var restored = RestoredPlayer()
    @State private var choosing = false

    var body: some SwiftUI.View {
        VStack(spacing: 16) {
            VideoPlayer(player: restored.player)
            Text(restored.status)
            Button("Choose a video") { choosing = true }
        }
        .padding()
        .fileImporter(isPresented: $choosing, allowedContentTypes: [.movie]) { result in
            if case .success(let url) = result { restored.play(url) }
        }
    }
}

/// AVPlayer keeps time, plays the sound and turns pictures upright; the restorer gives it the pictures.
@MainActor
final class RestoredPlayer: ObservableObject {
    @Published var status = "No video"
    let player = AVPlayer()
    private var opening: Task<Void, Never>?
    private var closeSource: () -> Void = {}

    func play(_ url: URL) {
        opening?.cancel()
        player.replaceCurrentItem(with: nil)
        closeSource()
        let reachable = url.startAccessingSecurityScopedResource()
        closeSource = { if reachable { url.stopAccessingSecurityScopedResource() } }
        opening = Task {
            do {
                status = "Loading the model; the first time takes longer"
                let item = try await restoredItem(url)
                try Task.checkCancellation()
                player.replaceCurrentItem(with: item)
                player.play()
                status = url.lastPathComponent
            } catch is CancellationError {
                // Another video was chosen.
            } catch {
                status = error.localizedDescription
            }
        }
    }

    private func restoredItem(_ url: URL) async throws -> AVPlayerItem {
        let asset = AVURLAsset(url: url)
        guard try await !asset.loadTracks(withMediaType: .video).isEmpty else { throw ExampleError.noVideo }
        let item = AVPlayerItem(asset: asset)
        item.videoComposition = try await FrameRestorer().videoComposition(for: asset)
        return item
    }
}

enum ExampleError: LocalizedError {
    case noVideo

    var errorDescription: String? { "This file has no video." }
}
