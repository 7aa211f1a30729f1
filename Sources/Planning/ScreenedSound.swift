package import Vocabulary

/// A medium of a call as its metadata place it: who was recorded, and when.
package struct PlacedMedium: Hashable, Sendable {
    package let id: String
    package let agent: String?
    package let start: Instant?
    package let stop: Instant?

    package init(id: String, agent: String?, start: Instant?, stop: Instant?) {
        self.id = id
        self.agent = agent
        self.start = start
        self.stop = stop
    }
}

/// A sound, and the screens of one agent that belong to it: what one result is made of.
package struct ScreenedSound: Hashable, Sendable {
    package let sound: String
    /// In the order of their start; at least one.
    package let screens: [String]

    package init(sound: String, screens: [String]) {
        self.sound = sound
        self.screens = screens
    }
}

/// Which screens of a call belong to which of its sounds.
///
/// A screen belongs to a sound that it overlaps: to the first one that began of the same agent, because the recorder of
/// screens maps one file to the first call of its agent; without one, to that with which it has the most time in common.
/// Screens of several agents that meet at one sound make a result each. Metadata have whole seconds, so one second
/// between two media still is an overlap; a medium without times overlaps everything.
///
/// - Returns: in the order of the sounds; and the screens that belong to no sound.
package func pair(
    sounds: [PlacedMedium], screens: [PlacedMedium]
) -> (pairs: [ScreenedSound], lonely: [String]) {
    var chosen: [(sound: Int, agent: String, screen: PlacedMedium)] = []
    var lonely: [String] = []
    for screen in screens {
        let candidates = sounds.indices.filter { sounds[$0].common(with: screen) != nil }
        let own = candidates.filter { sounds[$0].isOfAgent(of: screen) }
        let best =
            own.min { sounds[$0].precedence(for: screen) < sounds[$1].precedence(for: screen) }
            ?? candidates.max { one, other in
                let (common, more) = (sounds[one].common(with: screen), sounds[other].common(with: screen))
                // Of equals the earlier one.
                return common == more ? sounds[other].order < sounds[one].order : common ?? .zero < more ?? .zero
            }
        if let best {
            chosen.append((best, screen.agent?.lowercased() ?? "", screen))
        } else {
            lonely.append(screen.id)
        }
    }
    let groups = Dictionary(grouping: chosen) { Group(sound: $0.sound, agent: $0.agent) }
    let pairs = groups.sorted { $0.key < $1.key }.map { group, members in
        ScreenedSound(
            sound: sounds[group.sound].id,
            screens: members.map(\.screen).sorted { $0.order < $1.order }.map(\.id))
    }
    return (pairs, lonely)
}

private struct Group: Hashable, Comparable {
    let sound: Int
    let agent: String

    static func < (one: Group, other: Group) -> Bool { (one.sound, one.agent) < (other.sound, other.agent) }
}

private struct Order: Comparable {
    let start: Int64
    let id: String

    static func < (one: Order, other: Order) -> Bool { (one.start, one.id) < (other.start, other.id) }
}

/// What only touches comes after what overlaps.
private struct Precedence: Comparable {
    let isTouching: Bool
    let order: Order

    static func < (one: Precedence, other: Precedence) -> Bool {
        one.isTouching == other.isTouching ? one.order < other.order : other.isTouching
    }
}

extension PlacedMedium {
    fileprivate var order: Order { Order(start: start?.microseconds ?? .max, id: id) }

    fileprivate func isOfAgent(of other: PlacedMedium) -> Bool {
        guard let agent, let theirs = other.agent else { return false }
        return agent.lowercased() == theirs.lowercased()
    }

    /// Time in common: from minus one second on, where the two only touch; nil where they do not even do that.
    fileprivate func common(with other: PlacedMedium) -> Duration? {
        let from = max(start?.microseconds ?? .min, other.start?.microseconds ?? .min)
        let to = min(stop?.microseconds ?? .max, other.stop?.microseconds ?? .max)
        let (span, isEndless) = to.subtractingReportingOverflow(from)
        if isEndless { return .seconds(Int64(1) << 40) }
        return span < -1_000_000 ? nil : .microseconds(span)
    }

    fileprivate func precedence(for screen: PlacedMedium) -> Precedence {
        Precedence(isTouching: common(with: screen) ?? .zero <= .zero, order: order)
    }
}
