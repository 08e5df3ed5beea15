import ArgumentParser
import Collectives
import Configuration
import Devices
import Formats
import Inference
import LAMData
import Checkpoints
import LAMTrain
import Parquet
import Reports
import Wan

/// What an error means to the shell: 2 usage or configuration, 3 data, 1 anything else.
enum ExitStatus {
    static func code(for error: any Error) -> ExitCode {
        if error.isHubCancellation, let signal = SignalTrap.received { return ExitCode(128 + signal) }
        return switch error {
        case let CollectiveError.rankFailed(_, _, status): ExitCode(status)
        case CollectiveError.torchrun: ExitCode(2)
        case is DeviceError: ExitCode(2)
        case is ConfigurationError, CheckpointError.unknownFormat, CheckpointError.fileExists, CheckpointError.sameFile,
            CheckpointError.notFound:
            ExitCode(2)
        case ConversionError.exists, ConversionError.otherConversion, ConversionError.invalidOption,
            ConversionError.insideSource:
            ExitCode(2)
        case ConversionError.segments, ConversionError.unsupported: ExitCode(3)
        case PredictionError.destinationExists, PredictionError.foreignPartial, PredictionError.destinationInside,
            PredictionError.chosenEpisodes, PredictionError.writeOnly, TransferError.otherLatents:
            ExitCode(2)
        case is TransferError: ExitCode(3)
        case PredictionError.notLeRobot, PredictionError.featureExists, PredictionError.unreadableLabels: ExitCode(3)
        case ReportError.unknownPictureFormat: ExitCode(2)
        case ExtractionError.option, ExtractionError.otherLatents: ExitCode(2)
        case is DataError, ExtractionError.noEpisodes, is StreamError, is ParquetError: ExitCode(3)
        default: ExitCode.failure
        }
    }
}
