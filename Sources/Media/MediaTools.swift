package import Vocabulary

/// ffmpeg and ffprobe as guarded children: everything here that decodes, encodes or muxes goes through them.
package struct MediaTools: Sendable {
    let ffmpeg: GuardedTool
    let ffprobe: GuardedTool
    package let limits: ToolLimits
    /// Where slices of padding are kept; nil: nowhere.
    package var slices: PaddingSlices?
    /// How long one picture of black padding stands.
    package var sliceLength = Duration.seconds(5)
    /// Of ffprobe.
    let probeLimits: ToolLimits

    /// - Parameter probeTimeout: how long ffprobe may take, and work; nil: as long as ffmpeg.
    package init(
        ffmpeg: FilePath, ffprobe: FilePath, limits: ToolLimits = ToolLimits(), probeTimeout: Duration? = nil
    ) {
        self.ffmpeg = GuardedTool(program: ffmpeg, name: "ffmpeg")
        self.ffprobe = GuardedTool(program: ffprobe, name: "ffprobe")
        self.limits = limits
        var probeLimits = limits
        if let probeTimeout { (probeLimits.deadline, probeLimits.processorTime) = (probeTimeout, probeTimeout) }
        self.probeLimits = probeLimits
    }

    /// So many screens one mux can take: each is a descriptor of ffmpeg's.
    static let mostScreens = 200

    /// The path by which a tool opens the descriptor at this place of those given to it.
    static func path(ofDescriptor place: Int) -> String { "file:/dev/fd/\(3 + place)" }
}

/// Seconds with six decimals, as ffmpeg reads times.
func secondsText(_ duration: Duration) -> String {
    let microseconds = duration.wholeMicroseconds
    let digits = String(microseconds.magnitude % 1_000_000)
    let fraction = String(repeating: "0", count: 6 - digits.utf8.count) + digits
    return "\(microseconds < 0 ? "-" : "")\(microseconds.magnitude / 1_000_000).\(fraction)"
}
