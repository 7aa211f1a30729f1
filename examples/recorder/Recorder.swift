internal import ArgumentParser

@main
struct Recorder: ParsableCommand {}
