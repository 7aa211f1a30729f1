package import Vocabulary

/// Phrases, speech tags, and which phrase belongs to which tag, as one database has them.
package struct SpeechDefinitions: Hashable, Sendable {
    /// A phrase or a speech tag.
    package struct Definition: Hashable, Sendable {
        /// In its own database.
        package var id: Int64
        /// As it is written there.
        package var name: PhraseText
        /// Columns that are brought, as PostgreSQL's text; without those that are NULL.
        package var facts: [String: String]
        package init(id: Int64, name: PhraseText, facts: [String: String] = [:]) {
            self.id = id
            self.name = name
            self.facts = facts
        }
    }

    package struct Link: Hashable, Comparable, Sendable {
        /// By its key.
        package let tag: PhraseText
        package let phrase: PhraseText
        package init(tag: PhraseText, phrase: PhraseText) {
            self.tag = tag
            self.phrase = phrase
        }
        package static func < (one: Link, other: Link) -> Bool {
            (one.tag, one.phrase) < (other.tag, other.phrase)
        }
    }

    package var phrases: [PhraseText: Definition]
    /// By key: two names that differ only in capitals are one tag.
    package var tags: [PhraseText: Definition]
    package var links: Set<Link>
    /// Columns of facts that this database has, `speech_phrases.enabled` and the like.
    package var columns: Set<String>

    package init(
        phrases: [PhraseText: Definition] = [:], tags: [PhraseText: Definition] = [:], links: Set<Link> = [],
        columns: Set<String> = []
    ) {
        self.phrases = phrases
        self.tags = tags
        self.links = links
        self.columns = columns
    }

    package static func key(ofTag name: PhraseText) -> PhraseText { PhraseText(name.text.lowercased()) }
    package var isEmpty: Bool { phrases.isEmpty && tags.isEmpty }
}

/// A definition that the ledger knows at a source.
package struct KnownDefinition: Hashable, Sendable {
    package enum Name: Hashable, Sendable {
        case phrase(PhraseText)
        /// By its key.
        case tag(PhraseText)
        case link(SpeechDefinitions.Link)
    }
    package var name: Name
    /// Of the phrase or tag at the source; of a link, nil.
    package var sourceID: Int64?
    /// Whether Takeup made it there. What others made is never removed.
    package var isOurs: Bool
    package init(_ name: Name, sourceID: Int64? = nil, isOurs: Bool) {
        self.name = name
        self.sourceID = sourceID
        self.isOurs = isOurs
    }
}

/// One change at a source.
package enum DefinitionChange: Hashable, Sendable {
    case addPhrase(SpeechDefinitions.Definition)
    case addTag(SpeechDefinitions.Definition)
    /// Between names as the replay writes them.
    case addLink(tag: PhraseText, phrase: PhraseText)
    /// Facts of a row at the source; nil is NULL.
    case changePhrase(id: Int64, [String: String?])
    case changeTag(id: Int64, [String: String?])
    case removeLink(SpeechDefinitions.Link, tagID: Int64, phraseID: Int64)
    /// Where something of the source still hangs on it, it stays, disabled.
    case removePhrase(id: Int64, PhraseText)
    case removeTag(id: Int64, PhraseText)
}

package struct DefinitionPlan: Hashable, Sendable {
    /// In the order in which they can be carried out.
    package var changes: [DefinitionChange]
    /// What the ledger should know beside what the changes make: equal definitions that others made, and ours that others
    /// removed or made anew.
    package var notes: [KnownDefinition]
    package init(changes: [DefinitionChange], notes: [KnownDefinition]) {
        self.changes = changes
        self.notes = notes
    }
}

/// What to do at a source so that it has the replay's definitions. The replay is master of what it has; what else stands at
/// the source is left alone, unless Takeup brought it and the replay has it no more.
package func definitionPlan(
    master: SpeechDefinitions, standing: SpeechDefinitions, known: Set<KnownDefinition>
) -> DefinitionPlan {
    var plan = DefinitionPlan(changes: [], notes: [])
    let ours = Dictionary(known.filter(\.isOurs).map { ($0.name, $0) }, uniquingKeysWith: { one, _ in one })
    let names = Set(known.map(\.name))
    let shared = master.columns.intersection(standing.columns)

    func compare(
        _ wanted: [PhraseText: SpeechDefinitions.Definition], _ there: [PhraseText: SpeechDefinitions.Definition],
        table: String, name: (PhraseText) -> KnownDefinition.Name,
        add: (SpeechDefinitions.Definition) -> DefinitionChange,
        change: (Int64, [String: String?]) -> DefinitionChange
    ) {
        for (key, definition) in wanted.sorted(by: { $0.key < $1.key }) {
            guard let standing = there[key] else {
                var added = definition
                added.facts = definition.facts.filter { shared.contains("\(table).\($0.key)") }
                plan.changes.append(add(added))
                continue
            }
            var facts: [String: String?] = [:]
            for column in shared.sorted() where column.hasPrefix(table + ".") {
                let fact = String(column.dropFirst(table.count + 1))
                if definition.facts[fact] != standing.facts[fact] { facts[fact] = .some(definition.facts[fact]) }
            }
            if definition.name != standing.name { facts["tag_name"] = .some(definition.name.text) }
            if !facts.isEmpty { plan.changes.append(change(standing.id, facts)) }
            let isLost = ours[name(key)].map { $0.sourceID != standing.id } ?? false
            if isLost || !names.contains(name(key)) {
                plan.notes.append(KnownDefinition(name(key), sourceID: standing.id, isOurs: false))
            }
        }
    }
    compare(
        master.phrases, standing.phrases, table: "speech_phrases", name: { .phrase($0) },
        add: { .addPhrase($0) }, change: { .changePhrase(id: $0, $1) })
    compare(
        master.tags, standing.tags, table: "speech_tags", name: { .tag($0) }, add: { .addTag($0) },
        change: { .changeTag(id: $0, $1) })
    for link in master.links.subtracting(standing.links).sorted() {
        guard let tag = master.tags[link.tag], let phrase = master.phrases[link.phrase] else { continue }
        plan.changes.append(.addLink(tag: tag.name, phrase: phrase.name))
    }
    plan.changes += removals(master: master, standing: standing, ours: ours)
    plan.changes = plan.changes.filter { !$0.isImpossible(at: standing) }
    return plan
}

private func removals(
    master: SpeechDefinitions, standing: SpeechDefinitions, ours: [KnownDefinition.Name: KnownDefinition]
) -> [DefinitionChange] {
    var changes: [DefinitionChange] = []
    var rest = standing.links
    for link in standing.links.subtracting(master.links).sorted() where ours[.link(link)] != nil {
        guard let tag = standing.tags[link.tag], let phrase = standing.phrases[link.phrase] else { continue }
        rest.remove(link)
        changes.append(.removeLink(link, tagID: tag.id, phraseID: phrase.id))
    }
    // What others tied to ours would go with it: it stays for as long as they want it.
    let tiedTags = Set(rest.map(\.tag))
    let tiedPhrases = Set(rest.map(\.phrase))
    for (key, tag) in standing.tags.sorted(by: { $0.key < $1.key })
    where master.tags[key] == nil && ours[.tag(key)]?.sourceID == tag.id && !tiedTags.contains(key) {
        changes.append(.removeTag(id: tag.id, key))
    }
    for (key, phrase) in standing.phrases.sorted(by: { $0.key < $1.key })
    where master.phrases[key] == nil && ours[.phrase(key)]?.sourceID == phrase.id && !tiedPhrases.contains(key) {
        changes.append(.removePhrase(id: phrase.id, key))
    }
    return changes
}

extension DefinitionChange {
    /// A source without tables of speech tags takes phrases only.
    fileprivate func isImpossible(at standing: SpeechDefinitions) -> Bool {
        switch self {
        case .addTag, .addLink: !standing.columns.contains("speech_tags.tag_name")
        case .addPhrase, .changePhrase, .changeTag, .removeLink, .removePhrase, .removeTag: false
        }
    }
}
