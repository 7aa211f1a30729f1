import Support
import Testing
import Vocabulary

@Suite(.serialized) struct PlaySiteTests {
    @Test func `the site to play with keeps its own promises`() throws {
        let root = FilePath(#filePath).parent.parent.parent
        try ChildProcess.run([
            "/usr/bin/python3", "-m", "unittest", "discover", "--start-directory",
            root.appending("examples/gir").displayText,
        ])
    }
}
