"""What the overlays are drawn with: words, shapes, pictures, ink, motion, and laying the result over frames."""
