package import Vocabulary

/// Whether a disk may stand for the volume of a name: its marker says which volume it is, and the ledger which one the
/// name belongs to. A wrong disk with a marker of its own would take recordings that nobody finds again.
package enum VolumeIdentity: Hashable, Sendable {
    /// It is the one that the name belongs to.
    case same
    /// Neither name nor disk were seen before, or the settings gave a known disk a new name.
    case new
    /// The name belongs to another disk.
    case foreign(instead: VolumeID)
    /// The disk belongs to another name, which these settings have as well.
    case misplaced(belongs: VolumeName)

    /// - Parameters:
    ///   - bound: which disk each name belongs to, by the ledger.
    ///   - names: that the settings have.
    package init(_ id: VolumeID, as name: VolumeName, bound: [VolumeName: VolumeID], names: Set<VolumeName>) {
        if let mine = bound[name] {
            self = mine == id ? .same : .foreign(instead: mine)
        } else if let other = bound.first(where: { $0.value == id })?.key, names.contains(other) {
            self = .misplaced(belongs: other)
        } else {
            self = .new
        }
    }

    /// A clause for people; nil where the disk is right.
    package var reason: String? {
        switch self {
        case .same, .new: nil
        case .foreign(let id): "another disk is there: identity, its marker is not that of volume \(id)"
        case .misplaced(let name): "the disk of volume \(name) is there: identity"
        }
    }
}
