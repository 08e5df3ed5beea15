import CHDF5
import DataCore
import Foundation

/// An open HDF5 file: groups by path, their attributes and arrays. For one thread at a time.
///
/// What would lead out of the file is refused: external links, external storage, virtual datasets, filters that are not
/// part of the library.
final class HDF5File {
    let path: String
    private let handle: HDF5Handle
    /// For links and arrays: refuses to leave the file.
    private let linkAccess: HDF5Handle
    private let arrayAccess: HDF5Handle
    let heap: HDF5Heap
    /// How many names in a group are not in UTF-8, by group.
    private(set) var unnamed: [String: Int] = [:]

    /// Texts in attributes; simulators' model files are some 100 KB.
    private static let largestAttribute = 16 << 20
    private static let largestGroup = 1 << 20
    /// The library's own cache, for arrays that it has to decode itself.
    private static let chunkCacheBytes = 4 << 20

    /// - Throws: `DataError.missingFile`, `.emptyFile`, `.lfsPointer`, `.unreadableHDF5`.
    init(path: String) throws {
        try MetadataFile.requireContent(path: path, purpose: "an HDF5 file")
        self.path = path
        func failure(_ reason: String) -> DataError { .unreadableHDF5(path: path, object: "file", reason: reason) }
        (handle, linkAccess, arrayAccess) = try HDF5Library.locked {
            let fileAccess = try HDF5Handle(H5Pcreate(lam_h5p_file_access()), failure)
            // Reading needs no lock, and some network file systems have none.
            H5Pset_file_locking(fileAccess.id, false, true)
            H5Pset_cache(fileAccess.id, 0, 521, Self.chunkCacheBytes, 0.75)
            let linkAccess = try HDF5Handle(H5Pcreate(lam_h5p_link_access()), failure)
            let arrayAccess = try HDF5Handle(H5Pcreate(lam_h5p_dataset_access()), failure)
            guard lam_h5_refuse_external_links(linkAccess.id) >= 0,
                lam_h5_refuse_external_links(arrayAccess.id) >= 0
            else { throw failure(HDF5Library.lastFailure) }
            let file = try HDF5Handle(H5Fopen(path, lam_h5f_read_only(), fileAccess.id), failure)
            return (file, linkAccess, arrayAccess)
        }
        heap = try HDF5Library.locked { [handle] in try HDF5Heap(file: handle, path: path) }
    }

    func unreadable(_ object: String) -> (String) -> DataError {
        { [path] in .unreadableHDF5(path: path, object: object, reason: $0) }
    }

    func invalid(_ object: String, _ expected: String, _ got: String) -> DataError {
        .invalidHDF5(path: path, object: object, expected: expected, got: got)
    }

    // MARK: Groups

    enum Kind: String {
        case group, array
        case externalLink = "an external link"
        case userLink = "a user-defined link"
        case danglingLink = "a link that leads nowhere in the file"
        case other = "an object that is neither group nor array"

        fileprivate var isLink: Bool { [.externalLink, .userLink, .danglingLink].contains(self) }
    }

    /// What is at `object`, an absolute path; nil if there is nothing.
    ///
    /// - Throws: `DataError.unreadableHDF5`.
    func kind(_ object: String) throws -> Kind? {
        try HDF5Library.locked {
            var reached = ""
            var link = H5L_info_t()
            for name in object.split(separator: "/") {
                reached += "/\(name)"
                let exists = H5Lexists(handle.id, reached, linkAccess.id)
                guard exists >= 0 else { throw unreadable(reached)(HDF5Library.lastFailure) }
                guard exists > 0 else { return nil }
                guard H5Lget_info(handle.id, reached, &link, linkAccess.id) >= 0 else {
                    throw unreadable(reached)(HDF5Library.lastFailure)
                }
                guard link.type == H5L_TYPE_HARD || link.type == H5L_TYPE_SOFT else {
                    return link.type == H5L_TYPE_EXTERNAL ? .externalLink : .userLink
                }
            }
            guard let opened = try? HDF5Handle(H5Oopen(handle.id, object, linkAccess.id), unreadable(object)) else {
                guard link.type == H5L_TYPE_SOFT else { throw unreadable(object)(HDF5Library.lastFailure) }
                return .danglingLink
            }
            switch H5Iget_type(opened.id) {
            case H5I_GROUP: return .group
            case H5I_DATASET: return .array
            default: return .other
            }
        }
    }

    /// The names in a group, numbers within them in the order of their values. Names that are no text lead nowhere: they
    /// are kept in `unnamed`.
    ///
    /// - Precondition: `object` is a group.
    func names(in object: String) throws -> [String] {
        try HDF5Library.locked {
            let group = try HDF5Handle(H5Gopen2(handle.id, object, lam_h5_default), unreadable(object))
            var info = H5G_info_t()
            guard H5Gget_info(group.id, &info) >= 0 else { throw unreadable(object)(HDF5Library.lastFailure) }
            guard info.nlinks <= Self.largestGroup else {
                throw invalid(object, "at most \(Self.largestGroup) names", "\(info.nlinks)")
            }
            var names: [String?] = []
            let visit: H5L_iterate_t = { _, name, _, data in
                guard let name, let data else { return 0 }
                // SAFETY: `data` is the address of `names`, which outlives the iteration.
                let text = String(validatingCString: name)
                data.assumingMemoryBound(to: [String?].self).pointee.append(text)
                return 0
            }
            let result = withUnsafeMutablePointer(to: &names) {
                H5Literate(group.id, H5_INDEX_NAME, H5_ITER_NATIVE, nil, visit, $0)
            }
            guard result >= 0 else { throw unreadable(object)(HDF5Library.lastFailure) }
            let texts = names.compactMap { $0 }
            if texts.count < names.count { unnamed[object] = names.count - texts.count }
            return texts.sorted(by: NaturalOrder.precedes)
        }
    }

    // MARK: Attributes

    /// A text attribute; nil if there is none of this name or it holds something else.
    func text(_ name: String, of object: String) throws -> String? {
        try attribute(name, of: object) { (attribute, failure) -> String? in
            let type = try HDF5Handle(H5Aget_type(attribute.id), failure)
            guard H5Tget_class(type.id) == H5T_STRING else { return nil }
            if H5Tis_variable_str(type.id) > 0 {
                let owner = try HDF5Handle(H5Oopen(handle.id, object, linkAccess.id), failure)
                var info = H5O_info_t()
                guard H5Oget_info2(owner.id, &info, UInt32(H5O_INFO_BASIC)) >= 0 else {
                    throw failure(HDF5Library.lastFailure)
                }
                if case .text(let text) = heap.attribute(name, header: UInt64(info.addr)) {
                    guard let text else { throw failure("the text is not where the attribute says, or not in UTF-8") }
                    return text
                }
            }
            guard H5Tis_variable_str(type.id) > 0 else {
                let size = H5Tget_size(type.id)
                guard size <= Self.largestAttribute else {
                    throw invalid("\(object)@\(name)", "at most \(Self.largestAttribute) bytes", "\(size)")
                }
                var bytes = [UInt8](repeating: 0, count: size)
                guard H5Aread(attribute.id, type.id, &bytes) >= 0 else { throw failure(HDF5Library.lastFailure) }
                guard let text = String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self) else {
                    throw invalid("\(object)@\(name)", "text in UTF-8", "other bytes")
                }
                return text
            }
            let space = try HDF5Handle(H5Aget_space(attribute.id), failure)
            var pointer: UnsafeMutablePointer<CChar>?
            guard H5Aread(attribute.id, type.id, &pointer) >= 0 else { throw failure(HDF5Library.lastFailure) }
            defer { H5Dvlen_reclaim(type.id, space.id, lam_h5_default, &pointer) }
            guard let pointer else { return "" }
            guard let text = String(validatingCString: pointer) else {
                throw invalid("\(object)@\(name)", "text in UTF-8", "other bytes")
            }
            return text
        }
    }

    /// An integer attribute; nil if there is none of this name or it holds something else.
    func integer(_ name: String, of object: String) throws -> Int? {
        try attribute(name, of: object) { attribute, failure in
            let type = try HDF5Handle(H5Aget_type(attribute.id), failure)
            guard H5Tget_class(type.id) == H5T_INTEGER else { return nil }
            var value: Int64 = 0
            guard H5Aread(attribute.id, lam_h5t_int64(), &value) >= 0 else { throw failure(HDF5Library.lastFailure) }
            return Int(value)
        }
    }

    /// Opens an attribute of one value.
    private func attribute<Value>(
        _ name: String, of object: String, _ body: (HDF5Handle, (String) -> DataError) throws -> Value?
    ) throws -> Value? {
        try HDF5Library.locked {
            let failure = unreadable("\(object)@\(name)")
            let owner = try HDF5Handle(H5Oopen(handle.id, object, linkAccess.id), failure)
            let exists = H5Aexists(owner.id, name)
            guard exists >= 0 else { throw failure(HDF5Library.lastFailure) }
            guard exists > 0 else { return nil }
            let attribute = try HDF5Handle(H5Aopen(owner.id, name, lam_h5_default), failure)
            let space = try HDF5Handle(H5Aget_space(attribute.id), failure)
            guard H5Sget_simple_extent_npoints(space.id) == 1 else { return nil }
            return try body(attribute, failure)
        }
    }

    // MARK: Arrays

    /// Opens the array at `object`.
    ///
    /// - Throws: `DataError.invalidHDF5` if there is none, `.refusedHDF5`, `.unreadableHDF5`.
    func array(_ object: String) throws -> HDF5Array {
        let kind = try kind(object)
        if let kind, kind.isLink { throw DataError.refusedHDF5(path: path, object: object, feature: kind.rawValue) }
        guard kind == .array else { throw invalid(object, "an array", kind?.rawValue ?? "nothing") }
        return try HDF5Library.locked {
            let opened = try HDF5Handle(H5Dopen2(handle.id, object, arrayAccess.id), unreadable(object))
            return try HDF5Array(opened, object: object, path: path, heap: heap)
        }
    }
}
