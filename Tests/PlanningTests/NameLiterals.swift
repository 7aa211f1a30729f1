import Vocabulary

// Names in tests are written as they are.
extension VolumeID: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(text) }
}
extension VolumeName: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(text) }
}
extension AccountID: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(text) }
}
