"""Text that comes and goes: subtitles, titles, lower thirds, clocks. `source` is the way in."""
