"""Names for the arrays that travel between the rooms. The shape stands in the name: `frames: Clip`.

Frames are RGB in [0, 1]. In masks 1 is artifact and 0 is clean. Flow is in pixels, (x, y), from a frame to the next.
Arrays of networks, with a batch axis in front, are annotated where they are used.
"""

import numpy as np
from jaxtyping import Bool, Float32, UInt8

Frame = Float32[np.ndarray, "h w 3"]
Clip = Float32[np.ndarray, "t h w 3"]

#: Of one frame, and of a clip.
Mask = Float32[np.ndarray, "h w 1"]
Masks = Float32[np.ndarray, "t h w 1"]

#: From one frame to the next, and of a clip: one fewer than there are frames.
Flow = Float32[np.ndarray, "h w 2"]
Flows = Float32[np.ndarray, "pairs h w 2"]

#: Which pixels: of a hole, of what was touched.
Pixels = Bool[np.ndarray, "h w"]

#: RGB in levels of 8 bits, 0 to 255.
LevelFrame = UInt8[np.ndarray, "h w 3"]
LevelClip = UInt8[np.ndarray, "t h w 3"]

#: A frame of more pixels, larger than 4K, is worked on piece by piece: 8K in the memory of a smaller video.
LARGE_FRAME = 4096 * 2304
