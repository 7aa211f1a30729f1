/// What a recorder will record, and when: a value, the same for the same options and seed.
package struct RecorderModelPlan: Sendable {
    package struct Options: Sendable {
        /// Healthy recordings.
        package var count = 20
        /// Recordings that begin, each second.
        package var rate = 5.0
        /// How many times faster than speech a call passes: a call of 8 s lasts 2 s at 4.
        package var speed = 4.0
        /// Percent of the healthy recordings that have an mp4 screen; exact up to rounding.
        package var screens = 50
        /// Percent of the healthy recordings whose sound and screen are encrypted, attached and detached by turns.
        package var encrypted = 20
        /// Percent of the healthy recordings without mp4 that have an opaque screen (RECD) alone.
        package var recdAlone = 0
        /// Percent of the healthy recordings whose rows claim no size (0 or -1).
        package var unsized = 0
        /// Percent of the healthy recordings whose row is FINISHED a hair before the last bytes are written.
        package var early = 0
        /// How many recordings of each fault come on top.
        package var faults: [RecorderModelFault: Int] = [:]
        package var seed: UInt64 = 1
        package init() {}
    }

    package enum Encryption: String, Sendable, Codable { case none, attached, detached }

    package struct Screen: Hashable, Sendable {
        package var hasMP4: Bool
        package var hasRECD: Bool
        /// How much later than the sound it starts.
        package var delaySeconds: Int
    }

    package struct Recording: Hashable, Sendable {
        /// Counts from 1, in order of beginning.
        package var number: Int
        /// When the call begins, since the run's begin.
        package var begin: Duration
        /// Length of the speech: one of ``RecorderModelPlan/lengths``.
        package var seconds: Int
        package var screen: Screen?
        package var encryption = Encryption.none
        /// Another leg of the call that the recording before this one belongs to.
        package var continuesCall = false
        package var isUnsized = false
        package var isEarly = false
        package var fault: RecorderModelFault?
        /// A number from the ranges that are kept free for fiction.
        package var caller: String
        package var agent: Int
    }

    /// The lengths of speech that samples are made of, in seconds.
    package static let lengths = [4, 6, 8, 12]
    /// How much later than the sound some screens start, in seconds.
    package static let screenDelay = 2

    package let recordings: [Recording]
    package let speed: Double

    package init(_ options: Options) {
        var chance = Chance(state: options.seed)
        var kinds: [Recording] = (0..<max(0, options.count)).map { _ in Self.blank(&chance) }
        Self.share(options.screens, of: &kinds, using: &chance) { recording, _, chance in
            recording.screen = Screen(
                hasMP4: true, hasRECD: Bool.random(using: &chance),
                delaySeconds: Int.random(in: 0..<3, using: &chance) == 0 ? Self.screenDelay : 0)
        }
        Self.share(options.encrypted, of: &kinds, using: &chance) { recording, order, _ in
            recording.encryption = order.isMultiple(of: 2) ? .attached : .detached
        }
        Self.share(options.unsized, of: &kinds, using: &chance) { recording, _, _ in recording.isUnsized = true }
        Self.share(options.early, of: &kinds, using: &chance) { recording, _, _ in recording.isEarly = true }
        for index in kinds.indices where kinds[index].screen == nil {
            if Int.random(in: 0..<100, using: &chance) < options.recdAlone {
                kinds[index].screen = Screen(hasMP4: false, hasRECD: true, delaySeconds: 0)
            }
        }
        for fault in RecorderModelFault.allCases {
            for _ in 0..<max(0, options.faults[fault] ?? 0) {
                kinds.insert(Self.faulted(fault, &chance), at: Int.random(in: 0...kinds.count, using: &chance))
            }
        }
        for index in kinds.indices {
            kinds[index].number = index + 1
            kinds[index].begin = .seconds(Double(index) / max(options.rate, 0.001))
            kinds[index].continuesCall = index > 0 && Int.random(in: 0..<8, using: &chance) == 0
        }
        recordings = kinds
        speed = max(options.speed, 0.001)
    }

    private static func blank(_ chance: inout Chance) -> Recording {
        Recording(
            number: 0, begin: .zero, seconds: lengths.randomElement(using: &chance) ?? 4,
            caller: "+447700900" + String(Int.random(in: 1000...1999, using: &chance)).dropFirst(),
            agent: Int.random(in: 1...12, using: &chance))
    }

    private static func faulted(_ fault: RecorderModelFault, _ chance: inout Chance) -> Recording {
        var recording = blank(&chance)
        recording.fault = fault
        recording.isUnsized = fault == .growing
        if fault.needsEncryption { recording.encryption = .attached }
        if fault.needsScreen { recording.screen = Screen(hasMP4: true, hasRECD: false, delaySeconds: 0) }
        return recording
    }

    /// Changes exactly `percent` of the recordings, which ones is chance's.
    private static func share(
        _ percent: Int, of recordings: inout [Recording], using chance: inout Chance,
        _ change: (inout Recording, _ order: Int, inout Chance) -> Void
    ) {
        let wanted = (recordings.count * min(max(percent, 0), 100) + 50) / 100
        for (order, index) in recordings.indices.shuffled(using: &chance).prefix(wanted).enumerated() {
            change(&recordings[index], order, &chance)
        }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere for the same seed.
    package struct Chance: RandomNumberGenerator {
        package var state: UInt64
        package init(state: UInt64) { self.state = state }
        package mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
    }
}
