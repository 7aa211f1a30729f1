import Testing
import Vocabulary

@testable import Telemetry

@Suite struct EventTests {
    @Test func `numbers are 128 bits, lower case, and each event's own`() {
        let ids = Event.allCases.map(\.declaration.messageID)
        #expect(Set(ids).count == ids.count)
        for id in ids {
            #expect(id.utf8.count == 32 && id == id.lowercased() && Hex.bytes(of: id)?.count == 16, "\(id)")
        }
    }

    @Test func `numbers that were given away stay what they are`() {
        #expect(Event.watermarkRaised.declaration.messageID == "0cb352e5e8f2498bb266354a272c4fa0")
        #expect(Event.watermarkCleared.declaration.messageID == "687e174f1be041caa84f710069795381")
        #expect(Event.volumeUnavailable.declaration.messageID == "7b4bab5c7fe34a9a8e001746aa225488")
        #expect(Event.copyCommitted.declaration.messageID == "d7db1574cad147a2ab2392829d75ec70")
        #expect(Event.verifyMismatch.declaration.messageID == "6149d755028b4a77a4bd9239ffdc9cfa")
    }

    @Test(arguments: Event.allCases)
    func `sentences and advice name only facts that the event has`(event: Event) {
        let declared = event.declaration.facts
        #expect(Set(declared).count == declared.count)
        let advice = event.advice
        for sentence in [event.declaration.says, advice.happened, advice.did, advice.next] {
            #expect(sentence.names.isSubset(of: declared), "\(sentence)")
        }
    }

    @Test(arguments: Event.allCases)
    func `every event says what happened, what was done and what to do`(event: Event) {
        let advice = event.advice
        for text in [advice.happened, advice.did, advice.next].map({ $0.text { $0.rawValue } }) {
            #expect(!text.isEmpty)
        }
        #expect(!advice.subject.isEmpty && !advice.subject.contains("\n") && !advice.subject.hasSuffix("."))
        #expect(event.rawValue.utf8.allSatisfy { (65...90).contains($0) || $0 == 95 })
    }

    @Test func `fields of the journal are each a fact's own, and allowed`() {
        let fields = Fact.Name.allCases.map(\.journalField)
        #expect(Set(fields).count == fields.count)
        for field in fields {
            #expect(field.utf8.allSatisfy { (65...90).contains($0) || (48...57).contains($0) || $0 == 95 })
            #expect(field.utf8.count <= 64 && field.utf8.first != UInt8(ascii: "_"))
        }
    }

    @Test func `a sentence takes its facts, and says when one is not known`() {
        let raised = Entry(
            .watermarkRaised, [.volume(VolumeName("a")), .used(percent: 86.04), .incident("7")])
        #expect(raised.message == "Volume a has used 86% of its ?, above its watermark of ?")
        #expect(raised.remainingFacts == [.incident("7")])
        #expect(raised.undeclaredFacts.isEmpty)
        #expect(raised.missingFacts == [.watermark, .volumePath, .resource])
        #expect(Entry(.watermarkRaised, [.job(1)]).undeclaredFacts == [.job])
    }

    @Test(arguments: [
        (Fact.size(bytes: 0), "0", "0 B"), (.size(bytes: 1536), "1536", "1.5 KiB"),
        (.available(bytes: 1 << 41), "2199023255552", "2 TiB"), (.used(percent: 99.96), "100", "100%"),
        (.elapsed(.milliseconds(12)), "12000", "12 ms"), (.elapsed(.milliseconds(3500)), "3500000", "3.5 s"),
        (.elapsed(.seconds(7500)), "7500000000", "2 h 5 min"),
        (.since(Instant(microseconds: 0)), "0", "1970-01-01T00:00:00Z"), (.errno(5), "5", "5"),
    ])
    func `programs read plain numbers, people read units`(fact: Fact, value: String, text: String) {
        #expect(fact.value == value)
        #expect(fact.text == text)
    }

    @Test func `a message is one line whatever its facts hold`() {
        let entry = Entry(.turnFailed, [.service("marking"), .detail("one\ntwo\u{1B}[31m")])
        #expect(entry.message == "A turn of marking failed and will be repeated: one\\x0atwo\\x1b[31m")
    }
}
