import AVFoundation
import CoreImage
import os

extension FrameRestorer {
    /// What makes an `AVPlayerItem` play, or an `AVAssetExportSession` write, this video restored.
    ///
    /// AVFoundation decodes off the main thread, keeps time, plays the sound and turns pictures upright. A player that
    /// is behind drops pictures, as it does with any video. Use one restorer for one video at a time.
    public func videoComposition(for asset: AVAsset) async throws -> AVVideoComposition {
        let pictures = RestoredPictures(restorer: self)
        return try await AVVideoComposition.videoComposition(with: asset) { pictures.answer($0) }
    }
}

/// Restores the pictures that AVFoundation is about to show, on its own queue. `CIContext` may be used from anywhere.
private final class RestoredPictures: @unchecked Sendable {
    /// After a longer step in time, in seconds, what the network remembers is of another scene.
    private static let longestStep = 0.5
    private let restorer: FrameRestorer
    private let context = CIContext()
    private let colors = CGColorSpace(name: CGColorSpace.sRGB)!
    private let lastTime = OSAllocatedUnfairLock(initialState: CMTime.zero)

    init(restorer: FrameRestorer) {
        self.restorer = restorer
    }

    func answer(_ request: AVAsynchronousCIImageFilteringRequest) {
        do {
            if jumps(to: request.compositionTime) { restorer.startVideo() }
            // In line before this returns: AVFoundation asks for pictures in their order.
            let restoring = restorer.enqueue(try frame(showing: request.sourceImage))
            Task {
                do {
                    let restored = try await restoring.value
                    let picture = CIImage(cvPixelBuffer: restored.frame, options: [.colorSpace: colors])
                    request.finish(with: Self.stretched(picture, to: request.sourceImage.extent), context: context)
                } catch {
                    request.finish(with: error)
                }
            }
        } catch {
            request.finish(with: error)
        }
    }

    /// Whether the video does not simply go on: somebody has moved in it.
    private func jumps(to time: CMTime) -> Bool {
        lastTime.withLock { last in
            let step = (time - last).seconds
            last = time
            return step < 0 || step > Self.longestStep
        }
    }

    private func frame(showing picture: CIImage) throws -> CVPixelBuffer {
        let frame = try restorer.makeFrame()
        let whole = CGRect(x: 0, y: 0, width: restorer.function.width, height: restorer.function.height)
        context.render(Self.stretched(picture, to: whole), to: frame, bounds: whole, colorSpace: colors)
        return frame
    }

    private static func stretched(_ picture: CIImage, to target: CGRect) -> CIImage {
        let source = picture.extent
        return picture
            .transformed(by: CGAffineTransform(translationX: -source.minX, y: -source.minY))
            .transformed(by: CGAffineTransform(scaleX: target.width / source.width, y: target.height / source.height))
            .transformed(by: CGAffineTransform(translationX: target.minX, y: target.minY))
    }
}
