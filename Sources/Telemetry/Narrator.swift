/// Tells people what happened. Passed to whoever has something to tell, by initializer.
///
/// Telling never fails and never throws: a journal that cannot be written must not stop the work. It may block for as
/// long as writing to the journal's socket, or to a terminal, takes.
package protocol Narrator: Sendable {
    func tell(_ entry: Entry)
}

extension Narrator {
    package func tell(_ event: Event, _ facts: Fact...) { tell(Entry(event, facts)) }
    package func tell(_ event: Event, facts: [Fact]) { tell(Entry(event, facts)) }
}

/// An event with the facts of this one time.
package struct Entry: Hashable, Sendable {
    package let event: Event
    package let facts: [Fact]

    package init(_ event: Event, _ facts: [Fact]) {
        self.event = event
        self.facts = facts
    }

    /// The event's sentence with its facts in place, on one line; a fact that is not known reads `?`.
    package var message: String {
        event.declaration.says.text { name in facts.first { $0.name == name }?.text ?? "?" }
    }

    /// The facts that the sentence does not mention.
    package var remainingFacts: [Fact] {
        let mentioned = event.declaration.says.names
        return facts.filter { !mentioned.contains($0.name) }
    }

    /// The facts that the event does not declare; the catalog cannot speak of them. Tests want none.
    package var undeclaredFacts: [Fact.Name] {
        facts.map(\.name).filter { !event.declaration.facts.contains($0) }
    }

    /// The facts that the event's sentence or its advice speaks of, and that are not given. Tests want none.
    package var missingFacts: Set<Fact.Name> {
        let advice = event.advice
        let spoken = [event.declaration.says, advice.happened, advice.did, advice.next]
        return Set(spoken.flatMap(\.names)).subtracting(facts.map(\.name))
    }
}
