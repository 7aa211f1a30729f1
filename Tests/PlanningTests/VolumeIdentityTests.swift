import Planning
import Testing
import Vocabulary

@Suite struct VolumeIdentityTests {
    private func identity(
        _ id: String, as name: String, bound: [VolumeName: VolumeID], names: Set<VolumeName> = ["a", "b"]
    ) -> VolumeIdentity { VolumeIdentity(VolumeID(id), as: VolumeName(name), bound: bound, names: names) }

    @Test func `a name belongs to the disk that was first seen under it`() {
        #expect(identity("1", as: "a", bound: [:]) == .new)
        #expect(identity("1", as: "a", bound: ["a": "1"]) == .same)
        #expect(identity("2", as: "a", bound: ["a": "1"]) == .foreign(instead: "1"))
    }

    @Test func `disks that changed places are not each other's volumes, and a copied marker makes no second one`() {
        let bound: [VolumeName: VolumeID] = ["a": "1", "b": "2"]
        #expect(identity("2", as: "a", bound: bound) == .foreign(instead: "1"))
        #expect(identity("1", as: "b", bound: bound) == .foreign(instead: "2"))
        #expect(identity("1", as: "b", bound: ["a": "1"]) == .misplaced(belongs: "a"))
    }

    @Test func `a volume that got another name in the settings is known by its disk`() {
        #expect(identity("1", as: "b", bound: ["old": "1"]) == .new)
    }
}
