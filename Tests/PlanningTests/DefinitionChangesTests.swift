import Planning
import Testing
import Vocabulary

private typealias Definition = SpeechDefinitions.Definition
private typealias Link = SpeechDefinitions.Link

private func phrase(_ text: String) -> PhraseText { PhraseText(text) }

/// - Parameters:
///   - phrases: with what `enabled` says.
///   - tags: names.
private func definitions(
    _ phrases: [String: String] = [:], tags: [String] = [], links: [(String, String)] = [], from id: Int64 = 1,
    columns: Set<String> = ["speech_phrases.enabled", "speech_tags.tag_name"]
) -> SpeechDefinitions {
    var made = SpeechDefinitions(columns: columns)
    for (number, (text, enabled)) in phrases.sorted(by: { $0.key < $1.key }).enumerated() {
        made.phrases[phrase(text)] = Definition(
            id: id + Int64(number), name: phrase(text), facts: ["enabled": enabled])
    }
    for (number, name) in tags.enumerated() {
        let key = SpeechDefinitions.key(ofTag: phrase(name))
        made.tags[key] = Definition(id: id + 100 + Int64(number), name: phrase(name))
    }
    made.links = Set(links.map { Link(tag: SpeechDefinitions.key(ofTag: phrase($0.0)), phrase: phrase($0.1)) })
    return made
}

@Suite struct DefinitionChangesTests {
    private let master = definitions(["hello": "t"], tags: ["Greeting"], links: [("greeting", "hello")])

    @Test func `what the source lacks is added, phrases and tags before what ties them`() {
        let plan = definitionPlan(master: master, standing: definitions(), known: [])
        #expect(
            plan.changes == [
                .addPhrase(Definition(id: 1, name: phrase("hello"), facts: ["enabled": "t"])),
                .addTag(Definition(id: 101, name: phrase("Greeting"))),
                .addLink(tag: phrase("Greeting"), phrase: phrase("hello")),
            ])
        #expect(plan.notes.isEmpty)
    }

    @Test func `what is equal is adopted and not changed, and then it is quiet`() {
        let standing = definitions(["hello": "t"], tags: ["Greeting"], links: [("greeting", "hello")], from: 40)
        let plan = definitionPlan(master: master, standing: standing, known: [])
        #expect(plan.changes.isEmpty)
        #expect(
            Set(plan.notes) == [
                .init(.phrase(phrase("hello")), sourceID: 40, isOurs: false),
                .init(.tag(phrase("greeting")), sourceID: 140, isOurs: false),
            ])
        let again = definitionPlan(master: master, standing: standing, known: Set(plan.notes))
        #expect(again == DefinitionPlan(changes: [], notes: []))
    }

    @Test func `facts that differ are the replay's, in place; a name's capitals are a fact`() {
        let standing = definitions(["hello": "f"], tags: ["GREETING"], links: [("greeting", "hello")], from: 40)
        let plan = definitionPlan(master: master, standing: standing, known: [])
        #expect(
            plan.changes == [
                .changePhrase(id: 40, ["enabled": "t"]), .changeTag(id: 140, ["tag_name": "Greeting"]),
            ])
    }

    @Test func `a fact that one side has no column for is none`() {
        let standing = definitions(["hello": "f"], from: 40, columns: [])
        let plan = definitionPlan(master: master, standing: standing, known: [])
        #expect(plan.changes.isEmpty)
        let added = definitionPlan(master: master, standing: definitions(columns: []), known: [])
        #expect(added.changes == [.addPhrase(Definition(id: 1, name: phrase("hello")))])
    }

    @Test func `only what Takeup brought is removed, and only as it brought it`() {
        let standing = definitions(
            ["gone": "t", "theirs": "t", "made anew": "t"], tags: ["Gone", "Theirs"], links: [("gone", "gone")],
            from: 40)
        let ours: Set<KnownDefinition> = [
            .init(.phrase(phrase("gone")), sourceID: standing.phrases[phrase("gone")]?.id, isOurs: true),
            .init(.phrase(phrase("made anew")), sourceID: 7, isOurs: true),
            .init(.phrase(phrase("theirs")), sourceID: standing.phrases[phrase("theirs")]?.id, isOurs: false),
            .init(.tag(phrase("gone")), sourceID: 140, isOurs: true),
            .init(.link(Link(tag: phrase("gone"), phrase: phrase("gone"))), isOurs: true),
        ]
        let plan = definitionPlan(master: definitions(), standing: standing, known: ours)
        #expect(
            plan.changes == [
                .removeLink(Link(tag: phrase("gone"), phrase: phrase("gone")), tagID: 140, phraseID: 40),
                .removeTag(id: 140, phrase("gone")), .removePhrase(id: 40, phrase("gone")),
            ])
        #expect(definitionPlan(master: definitions(), standing: standing, known: []).changes.isEmpty)
    }

    @Test func `ours stays while others have tied something to it`() {
        let standing = definitions(["ours": "t"], tags: ["Theirs"], links: [("theirs", "ours")], from: 40)
        let known: Set<KnownDefinition> = [.init(.phrase(phrase("ours")), sourceID: 40, isOurs: true)]
        #expect(definitionPlan(master: definitions(), standing: standing, known: known).changes.isEmpty)
    }

    @Test func `what others removed at the source is brought again; what they made in its place is theirs`() {
        let known: Set<KnownDefinition> = [.init(.phrase(phrase("hello")), sourceID: 40, isOurs: true)]
        let master = definitions(["hello": "t"])
        let gone = definitionPlan(master: master, standing: definitions(), known: known)
        #expect(gone.changes == [.addPhrase(Definition(id: 1, name: phrase("hello"), facts: ["enabled": "t"]))])
        let anew = definitionPlan(master: master, standing: definitions(["hello": "t"], from: 41), known: known)
        #expect(anew.changes.isEmpty)
        #expect(anew.notes == [.init(.phrase(phrase("hello")), sourceID: 41, isOurs: false)])
    }
}
