import Testing

/// Everything that the one play site of the process is for: one after the other.
@Suite(.serialized) struct SiteTests {}
