"""The window: what a person sees and touches; everything here runs on Qt's main thread."""
