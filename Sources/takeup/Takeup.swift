internal import ArgumentParser

@main
struct Takeup: ParsableCommand {}
