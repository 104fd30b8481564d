"""The name of a Swift package's module: the folder's, and no name that Swift or an app has already."""

import re
from pathlib import Path

#: Modules of Apple's, and types of Swift's, of SwiftUI's and of the package's own. A module of such a name hides them,
#: or is hidden by them.
_TAKEN = frozenset(
    ["Accelerate", "AppKit", "AVFoundation", "AVKit", "Combine", "CoreData", "CoreGraphics", "CoreImage", "CoreMedia", "CoreML", "CoreVideo", "Cxx", "Dispatch", "Distributed", "Foundation", "Metal", "MetalKit", "Observation", "Photos", "PhotosUI", "RealityKit", "RegexBuilder", "Swift", "SwiftData", "SwiftUI", "Synchronization", "Testing", "UIKit", "UniformTypeIdentifiers", "VideoToolbox", "Vision", "XCTest", "Any", "Array", "Bool", "Bundle", "Character", "Data", "Date", "Dictionary", "Double", "Error", "Float", "Float16", "Half", "Int", "Never", "Optional", "Package", "Protocol", "Result", "Self", "Set", "String", "Task", "Type", "UInt8", "URL", "Void", "App", "Button", "Color", "Environment", "Form", "Image", "Label", "List", "Path", "Picker", "Scene", "Section", "Shape", "State", "Text", "Video", "VideoPlayer", "View", "Window", "WindowGroup", "ArrayNumber", "FrameRestorer", "GivenFrame", "ModelStore", "PixelBuffers", "RecurrentModel", "RestoredFrame", "RestorerError", "RestorerModel"]
)


def module_name(folder: Path) -> str:
    """A Swift identifier from a folder's name: `my-restorer` → `MyRestorer`, and `App` → `AppPackage`."""
    words = re.findall(r"[A-Za-z0-9]+", folder.resolve().name)
    name = "".join(word[0].upper() + word[1:] for word in words)
    if not name[:1].isalpha():
        name = f"Vader{name}"
    return f"{name}Package" if name in _TAKEN else name
