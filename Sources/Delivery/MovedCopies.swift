internal import Copying
internal import Telemetry
internal import Vocabulary

/// Copies that went to another volume at once, as the disk of the first failed: told once for all that went the same way.
struct MovedCopies {
    private struct Way: Hashable {
        let from: VolumeName
        let to: VolumeName
    }

    private var moved: [Way: [(consignment: Consignment, error: CopyError)]] = [:]

    mutating func add(_ consignment: Consignment, from: VolumeName?, to: VolumeName?, after error: CopyError) {
        guard let from, let to else { return }
        moved[Way(from: from, to: to), default: []].append((consignment, error))
    }

    func tell(_ narrator: any Narrator) {
        for (way, copies) in moved.sorted(by: { ($0.key.from, $0.key.to) < ($1.key.from, $1.key.to) }) {
            guard let (consignment, error) = copies.first else { continue }
            narrator.tell(
                .copyElsewhere,
                facts: [
                    .recording(consignment.recording), .media(consignment.media), .kind(consignment.kind),
                    .volume(way.to), .previousVolume(way.from), .attempt(consignment.attempt), .count(copies.count),
                    .detail(error),
                ])
        }
    }
}
