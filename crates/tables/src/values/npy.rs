//! Reads `.npy`, numpy's format of one array (versions 1.0, 2.0 and 3.0; NEP 1).

use super::array::{Array, Data};

/// What every file begins with, before its version.
const MAGIC: &[u8] = b"\x93NUMPY";

/// What the header of a file says.
#[derive(Debug, PartialEq, Eq)]
struct Header<'h> {
    /// The type of an element, such as `<f4`.
    descr: &'h str,
    /// Whether the first index runs fastest.
    fortran: bool,
    shape: Vec<usize>,
}

/// Reads an array of truth values, whole numbers or floats of either byte order.
///
/// # Errors
/// What is wrong with the bytes, or not read: complex numbers, text, records, Python objects.
pub fn read(bytes: &[u8]) -> Result<Array, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("it is no .npy file")?;
    let cut = || "it is cut off".to_owned();
    let (version, rest) = rest.split_at_checked(2).ok_or_else(cut)?;
    let (length, rest) = match version[0] {
        1 => rest.split_at_checked(2).map(|(two, rest)| (usize::from(u16::from_le_bytes([two[0], two[1]])), rest)),
        2 | 3 => rest
            .split_at_checked(4)
            .map(|(four, rest)| (u32::from_le_bytes([four[0], four[1], four[2], four[3]]) as usize, rest)),
        other => return Err(format!("version {other} of .npy is not read")),
    }
    .ok_or_else(cut)?;
    let (header, body) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is not text")?;
    let Header { descr, fortran, shape } = parse(header).ok_or_else(|| format!("its header is not read: {header}"))?;
    let count = shape.iter().try_fold(1_usize, |all, one| all.checked_mul(*one)).ok_or("its shape is too large")?;
    let data = elements(descr, body, count)?;
    match fortran && shape.len() > 1 {
        true => Ok(Array { data: data.reordered(&to_c_order(&shape)), shape }),
        false => Ok(Array { shape, data }),
    }
}

/// Reads the header: a Python dictionary of three keys.
fn parse(header: &str) -> Option<Header<'_>> {
    let after = |key: &str| {
        let at = header.find(&format!("'{key}'"))?;
        header[at + key.len() + 2..].trim_start().strip_prefix(':').map(str::trim_start)
    };
    let descr = after("descr")?.strip_prefix('\'')?;
    let descr = &descr[..descr.find('\'')?];
    let fortran = match after("fortran_order")? {
        word if word.starts_with("True") => true,
        word if word.starts_with("False") => false,
        _ => return None,
    };
    let shape = after("shape")?.strip_prefix('(')?;
    let lengths = shape[..shape.find(')')?].split(',').map(str::trim).filter(|length| !length.is_empty());
    let shape = lengths.map(|length| length.parse().ok()).collect::<Option<_>>()?;
    Some(Header { descr, fortran, shape })
}

fn elements(descr: &str, body: &[u8], count: usize) -> Result<Data, String> {
    let refused = || format!("arrays of type `{descr}` are not read: only truth values, whole numbers and floats are");
    let (order, kind) = descr.split_at_checked(1).ok_or_else(refused)?;
    let is_big = match order {
        "<" | "|" | "=" => false,
        ">" => true,
        _ => return Err(refused()),
    };
    /// The elements, each of `N` bytes, little end first.
    fn each<const N: usize, T>(
        body: &[u8],
        count: usize,
        is_big: bool,
        read: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, String> {
        let length = count.checked_mul(N).ok_or("its shape is too large")?;
        let body =
            body.get(..length).ok_or_else(|| format!("it is cut off: {} of {length} bytes are there", body.len()))?;
        let (chunks, _) = body.as_chunks::<N>();
        let one = |chunk: &[u8; N]| {
            let mut bytes = *chunk;
            if is_big {
                bytes.reverse();
            }
            read(bytes)
        };
        Ok(chunks.iter().map(one).collect())
    }
    Ok(match kind {
        "b1" => Data::Bool(each(body, count, false, |[byte]: [u8; 1]| byte != 0)?),
        "i1" => Data::Int(each(body, count, false, |byte| i8::from_le_bytes(byte).into())?),
        "u1" => Data::Int(each(body, count, false, |byte| u8::from_le_bytes(byte).into())?),
        "i2" => Data::Int(each(body, count, is_big, |bytes| i16::from_le_bytes(bytes).into())?),
        "u2" => Data::Int(each(body, count, is_big, |bytes| u16::from_le_bytes(bytes).into())?),
        "i4" => Data::Int(each(body, count, is_big, |bytes| i32::from_le_bytes(bytes).into())?),
        "u4" => Data::Int(each(body, count, is_big, |bytes| u32::from_le_bytes(bytes).into())?),
        "i8" => Data::Int(each(body, count, is_big, i64::from_le_bytes)?),
        "u8" => {
            let whole = each(body, count, is_big, u64::from_le_bytes)?;
            match whole.iter().map(|one| i64::try_from(*one)).collect() {
                Ok(whole) => Data::Int(whole),
                Err(_) => Data::Float(whole.into_iter().map(|one| one as f64).collect()),
            }
        }
        "f2" => Data::Float32(each(body, count, is_big, |bytes| half(u16::from_le_bytes(bytes)))?),
        "f4" => Data::Float32(each(body, count, is_big, f32::from_le_bytes)?),
        "f8" => Data::Float(each(body, count, is_big, f64::from_le_bytes)?),
        _ => return Err(refused()),
    })
}

/// A float of 16 bits (IEEE 754 binary16): a sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF));
    sign * match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0_f32.powi(exponent - 15),
    }
}

/// Where in Fortran order each element of C order lies.
fn to_c_order(shape: &[usize]) -> Vec<usize> {
    let count: usize = shape.iter().product();
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for length in shape {
        strides.push(stride);
        stride *= length;
    }
    let mut index = vec![0; shape.len()];
    let mut order = Vec::with_capacity(count);
    for _ in 0..count {
        order.push(index.iter().zip(&strides).map(|(at, stride)| at * stride).sum());
        for dimension in (0..shape.len()).rev() {
            index[dimension] += 1;
            if index[dimension] < shape[dimension] {
                break;
            }
            index[dimension] = 0;
        }
    }
    order
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A file with this header and body.
    pub fn file(header: &str, body: &[u8]) -> Vec<u8> {
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(body);
        file
    }

    fn of(descr: &str, fortran: &str, shape: &str, body: &[u8]) -> Result<Array, String> {
        read(&file(&format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}  \n"), body))
    }

    #[test]
    fn arrays_of_all_types_and_orders_are_read() {
        let floats: Vec<u8> = [1.5_f32, -2.0, 0.25].iter().flat_map(|one| one.to_le_bytes()).collect();
        assert_eq!(of("<f4", "False", "(3,)", &floats).expect("read").data, Data::Float32(vec![1.5, -2.0, 0.25]));
        let big: Vec<u8> = [258_i16, -1].iter().flat_map(|one| one.to_be_bytes()).collect();
        assert_eq!(of(">i2", "False", "(2,)", &big).expect("read").data, Data::Int(vec![258, -1]));
        let halves: Vec<u8> = [0x3C00_u16, 0xC500, 0x0001, 0x7C00].iter().flat_map(|one| one.to_le_bytes()).collect();
        let tiny = 2.0_f32.powi(-24);
        let expected = Data::Float32(vec![1.0, -5.0, tiny, f32::INFINITY]);
        assert_eq!(of("<f2", "False", "(4,)", &halves).expect("read").data, expected);
        assert_eq!(of("|b1", "False", "(2,)", &[0, 1]).expect("read").data, Data::Bool(vec![false, true]));
        let huge = u64::MAX.to_le_bytes();
        assert_eq!(
            of("<u8", "False", "()", &huge).expect("read"),
            Array { shape: vec![], data: Data::Float(vec![u64::MAX as f64]) }
        );
    }

    #[test]
    fn what_lies_in_fortran_order_is_turned() {
        // [[0, 1, 2], [3, 4, 5]], by columns.
        let array = of("|u1", "True", "(2, 3)", &[0, 3, 1, 4, 2, 5]).expect("read");
        assert_eq!(array, Array { shape: vec![2, 3], data: Data::Int((0..6).collect()) });
    }

    #[test]
    fn what_is_damaged_or_not_read_is_named() {
        assert_eq!(read(b"RIFF"), Err("it is no .npy file".into()));
        assert_eq!(read(b"\x93NUMPY\x01\x00\xFF\x00{"), Err("it is cut off".into()));
        assert!(of("<f8", "False", "(3,)", &[0; 8]).is_err_and(|why| why.contains("8 of 24 bytes")));
        assert!(of("<c8", "False", "(1,)", &[0; 8]).is_err_and(|why| why.contains("`<c8` are not read")));
        assert!(of("|O", "False", "(1,)", &[0; 8]).is_err());
        assert!(of("<f8", "False", "(99999999999, 99999999999)", &[]).is_err());
        assert!(read(&file("{'descr': '<f8'}", &[])).is_err_and(|why| why.contains("header is not read")));
    }
}
