import COneDNN
import COpenBLAS
import Kernels

/// Who multiplies matrices. Always called on one thread per product; our pool splits the work.
public enum MatrixProductLibrary: String, Sendable, CaseIterable {
    case oneDNN, openBLAS

    /// oneDNN where it has kernels generated for this CPU (x86 with AVX2 or wider), OpenBLAS elsewhere.
    /// On AVX-512 machines Debian's OpenBLAS is close in large products and a quarter slower in small ones.
    public static var fastest: MatrixProductLibrary {
        lam_kernels_named("avx2") != nil ? .oneDNN : (openBLAS.isInstalled ? .openBLAS : .oneDNN)
    }

    public var isInstalled: Bool { self == .oneDNN || lam_openblas_load() == 1 }

    func load() {
        precondition(isInstalled, "libopenblas.so.0 is not installed: apt-get install libopenblas0-openmp")
    }

    /// `c = a b + beta c` for row-major matrices; a `[m, k]` (stored `[k, m]` when transposed), b `[k, n]`, c `[m, n]`.
    func multiply(
        m: Int, n: Int, k: Int, a: UnsafePointer<Float>, aStride: Int, aTransposed: Bool, b: UnsafePointer<Float>,
        bStride: Int, bTransposed: Bool, beta: Float, c: UnsafeMutablePointer<Float>, cStride: Int
    ) {
        switch self {
        case .oneDNN:
            let plain = CChar(UInt8(ascii: "N")), transposed = CChar(UInt8(ascii: "T"))
            let status = dnnl_sgemm(
                aTransposed ? transposed : plain, bTransposed ? transposed : plain, dnnl_dim_t(m), dnnl_dim_t(n),
                dnnl_dim_t(k), 1, a, dnnl_dim_t(aStride), b, dnnl_dim_t(bStride), beta, c, dnnl_dim_t(cStride))
            precondition(status == dnnl_success, "dnnl_sgemm \(m)x\(n)x\(k) failed with status \(status.rawValue)")
        case .openBLAS:
            lam_openblas_sgemm(
                aTransposed ? 1 : 0, bTransposed ? 1 : 0, Int32(m), Int32(n), Int32(k), 1, a, Int32(aStride), b,
                Int32(bStride), beta, c, Int32(cStride))
        }
    }
}
