internal import Files
package import Settings
internal import Vocabulary

extension GIRSettings {
    /// What a search depends on: workers of one kind would ask for the same, and take turns.
    ///
    /// Of a query it holds a digest alone: it may name people and their numbers.
    package var searchKind: String {
        var parts = ["\(window.past.components.seconds)-\(window.olderThan.components.seconds)"]
        if let shard { parts.append("\(shard.kind.rawValue) \(shard.id)/\(shard.total)") }
        switch extraQuery {
        case .byVersion: parts.append("by version")
        case .disabled: parts.append("all")
        case .parameters(let parameters):
            let hash = StreamHash()
            hash.begin(digest: true, crc32: false)
            for text in parameters.flatMap({ [$0.name, $0.value] }) {
                Array("\(text.utf8.count):\(text)".utf8).withUnsafeBytes { hash.add($0) }
            }
            guard let digest = hash.finish().digest else { preconditionFailure("a digest was asked for") }
            parts.append("query \(digest)")
        }
        return parts.joined(separator: " ")
    }

    /// What tells a worker from others of its host where they share no ledger, the same after a restart: they have other
    /// calls, or come to them another way.
    package var ownPart: String {
        let part = shard.map { "\($0.kind.rawValue)\($0.id)" } ?? "alone"
        if batchQuery != nil { return part + "-batch" }
        return window.olderThan > .zero ? part + "-after\(window.olderThan.components.seconds)" : part
    }
}
