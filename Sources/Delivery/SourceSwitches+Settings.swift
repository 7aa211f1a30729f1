package import Planning
package import Settings
internal import Vocabulary

extension SourceSwitches {
    package init(_ source: SourceSettings, _ synchro: SynchroSettings) {
        self.init(
            kinds: Set(MediaKind.allCases.filter(source.synchronize.takes)), copyFiles: source.copyFiles,
            onlyMixed: source.onlyMixed, onlyFinished: synchro.onlyFinished, onlyProcessed: synchro.onlyProcessed,
            allowMarkWithoutCopy: source.allowMarkWithoutCopy, withoutStreams: synchro.couplesWithoutStreams,
            indexFiles: source.synchronize.index && source.copyFiles ? source.indexFiles : [])
    }
}
