package import Vocabulary

/// Why a volume was not chosen.
package enum Refusal: Hashable, Sendable, CustomStringConvertible {
    /// Its state does not allow it.
    case state(VolumeState)
    /// With the file added it would be past its watermark.
    case overWatermark
    /// With the file added it would be under its floor.
    case underFloor
    case outOfInodes
    /// Not even empty could it hold the file above its floor.
    case tooSmall
    /// It cannot hold the file's name, or a file of its size, as a copy to it showed.
    case unfit
    /// A copy of the file to it failed a moment ago, and its disk may be why.
    case failed
    /// It ran out of space in the middle of a copy a moment ago.
    case rests
    /// It could hold the file, but a volume with a lower priority number is open.
    case lowerTier
    /// It could hold the file, but it is another's turn by `balance`.
    case othersTurn

    /// Whether waiting changes nothing of it.
    package var isForGood: Bool {
        switch self {
        case .tooSmall, .unfit: true
        case .state, .overWatermark, .underFloor, .outOfInodes, .failed, .rests, .lowerTier, .othersTurn: false
        }
    }

    package var description: String {
        switch self {
        case .state(let state): "is \(state.rawValue)"
        case .overWatermark: "would be past its watermark with this file"
        case .underFloor: "would be under its floor with this file"
        case .outOfInodes: "has too few inodes"
        case .tooSmall: "is too small for this file"
        case .unfit: "cannot hold a file of this name or size"
        case .failed: "failed a copy of this file a moment ago"
        case .rests: "ran out of space in a copy a moment ago"
        case .lowerTier: "has a higher priority number than an open volume"
        case .othersTurn: "is not next by balance"
        }
    }
}

package struct Placement: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        /// - isOverflow: every volume is past its watermark; this one is not at its floor.
        case place(on: VolumeID, isOverflow: Bool)
        /// No volume can take the file now.
        case wait
    }
    package let outcome: Outcome
    /// Why each of the others was not chosen.
    package let refusals: [VolumeID: Refusal]
    /// New byte credits of the volumes that took part. The credits of all others stand still.
    package let credits: [VolumeID: Double]
}

/// Chooses a volume for a file: filter, then the lowest priority number, then byte-weighted smooth round robin.
///
/// Inside a tier each open volume gains `size × balance ÷ sum`, the largest credit wins and pays `size`: shares hold in
/// bytes, deterministically, to within one largest file. A volume that is not open neither gains nor loses, so one that
/// comes back from an outage is not flooded.
/// - Parameters:
///   - key: names the file; only breaks ties of equal credits.
///   - largest: the largest file of the batch that this is one of, for the floor.
package func place(
    size: Int64, key: String, among views: [VolumeView], rules: LevelRules = LevelRules(), largest: Int64 = 0
) -> Placement {
    let largest = max(size, largest)
    var refusals: [VolumeID: Refusal] = [:]
    var open: [VolumeView] = []
    var overflow: [VolumeView] = []
    for view in views {
        switch fit(size, on: view, levels: VolumeLevels(of: view, rules: rules, largest: largest)) {
        case .open: open.append(view)
        case .overflowOnly:
            overflow.append(view)
            refusals[view.id] = .overWatermark
        case .refused(let refusal): refusals[view.id] = refusal
        }
    }
    guard let tier = open.map(\.priority).min() else {
        return placeInOverflow(overflow, refusals: refusals)
    }
    for view in open where view.priority != tier { refusals[view.id] = .lowerTier }
    return placeInTier(size, key: key, open.filter { $0.priority == tier }, largest: largest, refusals: refusals)
}

private enum Fit {
    case open
    case overflowOnly
    case refused(Refusal)
}

private func fit(_ size: Int64, on view: VolumeView, levels: VolumeLevels) -> Fit {
    guard view.balance > 0 else { return .refused(.state(.drain)) }
    switch view.state {
    case .ok, .above: break
    case .floor, .limited, .readOnly, .absent, .hung, .suspect, .drain: return .refused(.state(view.state))
    }
    if view.rests { return .refused(.rests) }
    let footprint = VolumeLevels.footprint(of: size)
    if footprint + levels.floor > view.size { return .refused(.tooSmall) }
    let inodesLeft = view.inodesProjected - 1
    if view.inodesTotal > 0 && inodesLeft < levels.inodeFloor { return .refused(.outOfInodes) }
    let left = view.projected - footprint
    let hasInodes = view.inodesTotal == 0 || inodesLeft >= levels.inodeTrigger
    if view.state == .ok && left >= levels.trigger && hasInodes { return .open }
    return left >= levels.floor ? .overflowOnly : .refused(.underFloor)
}

private func placeInTier(
    _ size: Int64, key: String, _ tier: [VolumeView], largest: Int64, refusals: [VolumeID: Refusal]
) -> Placement {
    let sum = Double(tier.reduce(0) { $0 + $1.balance })
    let bound = 4 * Double(tier.reduce(max(largest, 1)) { max($0, $1.largestEver) })
    var credits: [VolumeID: Double] = [:]
    for view in tier {
        credits[view.id] = view.credit + Double(size) * Double(view.balance) / sum
    }
    func standing(_ view: VolumeView) -> (Double, UInt64) {
        (credits[view.id] ?? 0, StableHash.fnv1a((key + view.id.rawValue).utf8))
    }
    guard let winner = tier.max(by: { standing($0) < standing($1) }) else {
        return Placement(outcome: .wait, refusals: refusals, credits: [:])
    }
    credits[winner.id, default: 0] -= Double(size)
    var refusals = refusals
    for view in tier where view.id != winner.id { refusals[view.id] = .othersTurn }
    return Placement(
        outcome: .place(on: winner.id, isOverflow: false), refusals: refusals,
        credits: credits.mapValues { min(max($0, -bound), bound) })
}

/// Past the watermark everywhere: lowest priority number first, then the most room for its size.
private func placeInOverflow(_ overflow: [VolumeView], refusals: [VolumeID: Refusal]) -> Placement {
    func room(_ view: VolumeView) -> Double { Double(view.projected) / Double(max(view.size, 1)) }
    let best = overflow.min { one, other in
        one.priority != other.priority ? one.priority < other.priority : room(one) > room(other)
    }
    guard let best else { return Placement(outcome: .wait, refusals: refusals, credits: [:]) }
    var refusals = refusals
    refusals[best.id] = nil
    return Placement(outcome: .place(on: best.id, isOverflow: true), refusals: refusals, credits: [:])
}

/// What a volume's credit begins with: a few bytes, other ones on every replay, so that not all of them begin on the same
/// of several like volumes.
package func initialCredit(of volume: VolumeID, replay: String) -> Double {
    Double(StableHash.fnv1a((replay + "/" + volume.rawValue).utf8) % 65_536)
}
