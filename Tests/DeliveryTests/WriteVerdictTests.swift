import Copying
import Files
import Testing
import Vocabulary

@testable import Delivery

@Suite struct WriteVerdictTests {
    private func verdict(_ errors: [CopyError]) -> WriteVerdict {
        WriteVerdict(errors.map { (size: 100, result: .failure($0)) })
    }

    private func failed(_ code: FileError.Code) -> CopyError {
        CopyError(volume: FileError(code, doing: "create a file"), at: .copy)
    }

    @Test func `a burst of errors in one group is one failed write for each cause`() {
        #expect(verdict([failed(.inputOutput)]).writes == [false])
        #expect(verdict([CopyError](repeating: failed(.inputOutput), count: 60)).writes == [false])
        let mismatch = CopyError(.digestMismatch, at: .verify, detail: "the volume gave other bytes back")
        #expect(verdict([failed(.inputOutput), mismatch, mismatch]).writes == [false, false])
    }

    @Test(arguments: [FileError.Code.notFound, .busy, .notDirectory])
    func `a directory that others removed while it was empty says nothing against the disk`(code: FileError.Code) {
        #expect(verdict([CopyError](repeating: failed(code), count: 10)).isQuiet)
    }
}
