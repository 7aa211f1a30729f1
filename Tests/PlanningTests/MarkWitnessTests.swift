internal import Planning
internal import Testing
internal import Vocabulary

@Suite struct MarkWitnessTests {
    private func witness(_ ledger: String, _ marks: Int64, at seconds: Int64 = 100) -> MarkWitness {
        MarkWitness(ledger: ledger, marks: marks, at: Instant(microseconds: seconds * 1_000_000))
    }

    private func objects(
        _ remembered: MarkWitness, to ledger: MarkWitness, audited seconds: Int64? = nil
    ) -> Bool {
        remembered.objection(
            to: ledger, audited: seconds.map { Instant(microseconds: $0 * 1_000_000) }, source: SourceName("rec"))
            != nil
    }

    @Test func `a ledger that knows all the marks it gave may go on`() {
        #expect(!objects(witness("a", 10), to: witness("a", 10)))
        // A crash after the count and before the file.
        #expect(!objects(witness("a", 10), to: witness("a", 110)))
        #expect(!objects(witness("a", 0), to: witness("a", 0)))
    }

    @Test func `one that knows of fewer went back in time`() {
        #expect(objects(witness("a", 11), to: witness("a", 10)))
        #expect(objects(witness("a", 11), to: witness("a", 0)))
    }

    @Test func `another ledger gave no marks at all`() {
        #expect(objects(witness("a", 10), to: witness("b", 500)))
    }

    @Test func `an audit settles what was remembered before it, and nothing later`() {
        #expect(!objects(witness("a", 11, at: 100), to: witness("b", 0, at: 200), audited: 150))
        #expect(objects(witness("a", 11, at: 100), to: witness("a", 10, at: 200), audited: 50))
    }
}
