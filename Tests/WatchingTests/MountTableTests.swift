import Testing
import Vocabulary

@testable import Watching

private let table = Array(
    """
    22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
    30 22 0:25 / /mnt/rec rw,relatime shared:7 master:2 - nfs4 rec:/opt/data rw,vers=4.2
    31 30 0:26 / /mnt/rec rw - tmpfs tmpfs rw
    32 22 8:1 /srv/a\\040b /mnt/with\\040blank rw - ext4 /dev/sda1 rw
    not a line
    33 22 0:27 / /mnt/recorder rw - cifs //rec/data rw
    """.utf8)

@Suite struct MountTableTests {
    @Test func `a line is found by mount id`() throws {
        let line = try #require(mountTableLine(in: table, mountID: 30, path: FilePath("/elsewhere")))
        #expect(line.type == "nfs4")
        #expect(line.source == "rec:/opt/data")
        #expect(line.root == "/")
        #expect(line.deviceMinor == 25)
    }

    @Test(arguments: [
        ("/mnt/rec", "tmpfs"), ("/mnt/rec/sub/dir", "tmpfs"), ("/mnt/recorder/x", "cifs"), ("/mnt", "ext4"),
        ("/", "ext4"),
    ])
    func `without an id the innermost and latest mount is taken`(path: String, type: String) {
        let line = mountTableLine(in: table, mountID: 0, path: FilePath(path))
        #expect(line?.type == type)
    }

    @Test func `blanks in paths are unescaped`() throws {
        let line = try #require(mountTableLine(in: table, mountID: 32, path: FilePath("/")))
        #expect(line.point == FilePath("/mnt/with blank"))
        #expect(line.root == "/srv/a b")
    }

    @Test func `an unknown id falls back to the path`() {
        let line = mountTableLine(in: table, mountID: 99, path: FilePath("/mnt/recorder"))
        #expect(line?.type == "cifs")
    }

    @Test func `a table that is empty or cut gives no line`() {
        #expect(mountTableLine(in: [], mountID: 30, path: FilePath("/")) == nil)
        #expect(mountTableLine(in: Array("30 22 0:25 / /mnt".utf8), mountID: 30, path: FilePath("/mnt")) == nil)
    }
}
