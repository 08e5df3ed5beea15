import ArgumentParser
import Formats
import LAMData
import LAMTrain
import Wan

/// What an error means to the shell: 2 usage or configuration, 3 data, 1 anything else.
enum ExitStatus {
    static func code(for error: any Error) -> ExitCode {
        switch error {
        case is ConfigurationError, CheckpointError.unknownFormat, CheckpointError.fileExists, CheckpointError.sameFile:
            ExitCode(2)
        case ExtractionError.option, ExtractionError.otherLatents: ExitCode(2)
        case is DataError, ExtractionError.noEpisodes, is StreamError, is ParquetError: ExitCode(3)
        default: ExitCode.failure
        }
    }
}
