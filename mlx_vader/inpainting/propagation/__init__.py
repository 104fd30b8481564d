"""What is hidden in one frame and shows in others: real pixels, fetched along the motion.

Neighbouring frames' flow is chained from each hidden pixel to the nearest frames, before and after, in which it shows;
its colour is fetched there once. After Xu et al., "Deep Flow-Guided Video Inpainting", CVPR 2019, and Gao et al.,
"Flow-edge Guided Video Completion", ECCV 2020, with flow that is searched for and not learned.
"""

#: Frames before and after that are looked at, about two seconds.
REACH = 60
