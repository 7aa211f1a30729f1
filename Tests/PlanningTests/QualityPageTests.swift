import Foundation
import Planning
import Testing
import Vocabulary

/// The page that people read says what the program does.
@Suite struct QualityPageTests {
    @Test func `every status stands on the page with its rank, and no rank twice`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/quality.md"), encoding: .utf8)
        let section = try #require(page.components(separatedBy: "## `problemstatus`").last)
        var ranks: [String: Int] = [:]
        for line in section.split(separator: "\n") where line.hasPrefix("| ") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 3, let rank = Int(cells[0]) else { continue }
            let names = cells[1].split(separator: "`").map(String.init).filter {
                $0.allSatisfy { $0.isUppercase || $0 == "_" }
            }
            ranks[names.first ?? "SOMETHING_ELSE"] = rank
        }
        #expect(ranks.count == 19)
        #expect(Set(ranks.values) == Set(0...18))
        for (status, rank) in ranks { #expect(StatusRank.rank(of: status) == rank, "\(status)") }
    }

    @Test func `a row of a better recording keeps saying so when one of its media is replaced`() {
        let source = SourceName("two")
        let poor = SourceRecording(
            source: source, id: 1, sid: Sid("s"), call: SourceCall(id: 1), state: "FINISHED",
            problemStatus: "ONE_STREAM_INCOMPLETE",
            media: [SourceMedia(id: 5, kind: .video, path: FilePath("/a"))])
        let held = ReplayRecording(id: 7, callID: 3, sid: Sid("s"), problemStatus: "NO_PROBLEM")
        #expect(!isRowAdopted(of: poor, with: ReplayHolding(recording: held)))
        // Its own row was corrected: what it says now counts.
        let own = ReplayHolding(recording: held, outdated: [MediaOrigin(source: source, mediaID: 5): 9])
        #expect(isRowAdopted(of: poor, with: own))
        var good = poor
        good.problemStatus = "NO_PROBLEM"
        #expect(isRowAdopted(of: good, with: ReplayHolding(recording: held)))
    }
}
