/// A number of a Core ML array.
protocol ArrayNumber {
    init(_ value: Float)
    var asFloat: Float { get }
}

extension Float: ArrayNumber {
    var asFloat: Float { self }
}

#if arch(arm64)
typealias Half = Float16

extension Float16: ArrayNumber {
    var asFloat: Float { Float(self) }
}
#else
/// Half precision on Intel Macs, which have no `Float16`: a sign, 5 bits of exponent, 10 of the significand.
struct Half: ArrayNumber {
    private let bits: UInt16

    init(_ value: Float) {
        let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
        let magnitude = value.magnitude
        if magnitude.isNaN {
            bits = 0x7E00
        } else if magnitude >= 65520 {
            bits = sign | 0x7C00
        } else if magnitude < 0x1p-14 {
            // Subnormal: whole steps of 2^-24.
            bits = sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven))
        } else {
            // 1024 steps carry into the exponent, which is what rounding up to the next power of two means.
            let steps = ((magnitude.significand - 1) * 1024).rounded(.toNearestOrEven)
            bits = sign | UInt16((Int(magnitude.exponent) + 15) * 1024 + Int(steps))
        }
    }

    var asFloat: Float {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int((bits >> 10) & 0x1F)
        let steps = Float(bits & 0x3FF)
        switch exponent {
        case 0: return sign * steps * 0x1p-24
        case 31: return steps == 0 ? sign * Float.infinity : Float.nan
        default: return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + steps / 1024)
        }
    }
}
#endif
