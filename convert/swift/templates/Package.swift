// swift-tools-version: 6.0
// Written by vader-mlx {{version}} from {{package}}.

import PackageDescription

let package = Package(
    name: {{module_literal}},
    platforms: [.iOS({{ios_literal}}), .macCatalyst({{ios_literal}}), .macOS({{macos_literal}})],
    products: [.library(name: {{module_literal}}, targets: [{{module_literal}}])],
    targets: [
        .target(
            name: {{module_literal}},
            // Copied, not processed: SwiftPM would take the package apart. ModelStore compiles it at first use.
            resources: [.copy({{resource_literal}})]
        )
    ],
    swiftLanguageModes: [.v5]
)
