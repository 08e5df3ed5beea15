import CPJRT
import Foundation
import Testing

import PJRT

@Suite("Plugins that cannot be used")
struct PluginErrorTests {
    @Test("a file that is no library is an error that names it")
    func corruptFile() throws {
        let path = NSTemporaryDirectory() + "corrupt-\(UUID().uuidString).so"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 37) }).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: PJRTError.self) { try Plugin(path: path) }
        guard case .notLoaded(path, _)? = error else { Issue.record("\(String(describing: error))"); return }
        #expect("\(error.map { "\($0)" } ?? "")".contains("scripts/accelerator.sh"))
    }

    @Test("a library that is cut off is an error")
    func truncatedFile() throws {
        let whole = try #require(FileManager.default.contents(atPath: "/proc/self/exe"))
        let path = NSTemporaryDirectory() + "truncated-\(UUID().uuidString).so"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try whole.prefix(5000).write(to: URL(fileURLWithPath: path))
        #expect(throws: PJRTError.self) { try Plugin(path: path) }
    }

    @Test("a path without a file is an error")
    func missingFile() {
        #expect(throws: PJRTError.self) { try Plugin(path: "/no/such/plugin.so") }
    }

    @Test("a library of something else is an error")
    func otherLibrary() {
        #expect(throws: PJRTError.notAPlugin(path: "libm.so.6")) { try Plugin(path: "libm.so.6") }
    }

    @Test(
        "another version of the interface is an error that says which",
        arguments: [(1, 0, 140), (0, 20, 140), (0, 90, 50)])
    func otherVersion(major: Int32, minor: Int32, functions: Int) {
        let double = PluginDouble(major: major, minor: minor, functions: functions)
        #expect(
            throws: PJRTError.unsupportedVersion(path: "double", version: "\(major).\(minor)", functions: functions)
        ) { try Plugin(double.table, path: "double") }
    }

    @Test("a device that stops answering is an error, not a wait without end")
    func silentDevice() throws {
        let double = PluginDouble(major: 0, minor: 106, functions: 140)
        let plugin = try Plugin(double.table, path: "double")
        let event = Event(double.event, plugin, "the training step")
        let error = #expect(throws: PJRTError.self) { try event.wait(seconds: 0.05) }
        #expect(error == .timedOut(operation: "the training step", seconds: 0.05))
    }
}

/// A table whose functions succeed and do nothing: no event of it is ever done.
struct PluginDouble {
    let table: UnsafePointer<PjrtTable>
    let event: OpaquePointer

    init(major: Int32, minor: Int32, functions: Int) {
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: 40 + 8 * functions, alignment: 8)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: 40 + 8 * functions)
        bytes.storeBytes(of: 40 + 8 * functions, as: Int.self)
        bytes.storeBytes(of: major, toByteOffset: 32, as: Int32.self)
        bytes.storeBytes(of: minor, toByteOffset: 36, as: Int32.self)
        let succeed: @convention(c) (UnsafeMutableRawPointer) -> OpaquePointer? = { _ in nil }
        for place in 0..<functions {
            bytes.storeBytes(of: succeed, toByteOffset: 40 + 8 * place, as: type(of: succeed))
        }
        table = UnsafeRawPointer(bytes).assumingMemoryBound(to: PjrtTable.self)
        event = OpaquePointer(bytes)
    }
}
