// Written by vader-mlx {{version}} from the specification of {{package}}.

import CoreML

/// What the Core ML package takes and gives, by the names in its specification.
public enum RestorerModel {
    /// An input or output. `shape` is that of the array, or (1, channels, height, width) of an image.
    public struct Port: Sendable {
        public enum Kind: Sendable {
            case image
            case array
        }

        public let name: String
        public let kind: Kind
        public let shape: [Int]
        public let dataType: MLMultiArrayDataType
    }

    /// What the network remembers where states are arrays: `output` of a frame is `input` of the next.
    public struct Carried: Sendable {
        public let input: Port
        public let output: String
    }

    /// A function of the model, for frames of one size.
    public struct Function: Sendable {
        public let name: String
        public let height: Int
        public let width: Int
        public let frames: Port
        /// Where overlays are known to be, for networks that take it.
        public let hint: Port?
        public let restored: Port
        public let mask: Port?
        public let carried: [Carried]
        /// Native states, held by Core ML.
        public let states: [String]
    }

    public static let package = {{package_literal}}
    public static let fingerprint = {{fingerprint_literal}}
    public static let functions: [Function] = [
{{functions_list}}
    ]
    public static let defaultFunction = functions[{{default_index}}]

    /// The function whose frames measure this, if there is one.
    public static func function(width: Int, height: Int) -> Function? {
        functions.first { $0.width == width && $0.height == height }
    }
}
