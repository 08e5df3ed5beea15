import ArgumentParser
import LAMTrain
import Reports

/// `lam plot`: curves of runs on one page.
struct PlotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot", abstract: "Draws the curves of one run or several, overlaid, on one page (SVG or PNG).")

    @Argument(
        help: ArgumentHelp(
            "Folders of runs, logs/NAME/version_N; of logs/NAME the newest that trained counts.", valueName: "run"),
        transform: PathArgument.read)
    var runs: [String]

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The file to write, .svg or .png, or a folder for it.", valueName: "file"),
        transform: PathArgument.read)
    var output = "plot.svg"

    func run() throws {
        let output = PathArgument.file("plot.svg", at: output)
        do {
            try RunPlot(paths: runs).write(to: output)
        } catch {
            Console.error("error: \(error)")
            throw ExitStatus.code(for: error)
        }
        print("written to \(output)")
    }
}

/// `lam report`: a run on one page.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Shows a run on one HTML page: curves, codes, contact sheets, evaluation, configuration.")

    @Argument(
        help: ArgumentHelp(
            "Folder of the run, logs/NAME/version_N; of logs/NAME the newest that trained counts.", valueName: "run"),
        transform: PathArgument.read)
    var path: String

    @Option(
        help: ArgumentHelp(
            "Folder of lam validate or lam test, whose values are shown; default: the newest after the run.",
            valueName: "dir"),
        transform: PathArgument.read)
    var evaluation: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file to write, or a folder for it; default: report.html in the run's folder.", valueName: "file"),
        transform: PathArgument.read)
    var output: String?

    func run() throws {
        do {
            let report = try RunReport(path: path, evaluation: evaluation)
            let file = PathArgument.file("report.html", at: output ?? report.directory)
            try report.write(to: file)
            print("written to \(file)")
        } catch {
            Console.error("error: \(error)")
            throw ExitStatus.code(for: error)
        }
    }
}
