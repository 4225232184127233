//! Writes matrices in NumPy's `.npy` format, version 1.0 (NEP 1).

/// A matrix of `f32`, handed in column by column, as a C-ordered `.npy` file of shape `(rows, columns)`, little endian.
pub(crate) fn from_columns(columns: &[f32], rows: usize) -> Vec<u8> {
    let count = columns.len().checked_div(rows).unwrap_or(0);
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {count}), }}");
    // Magic, version and length take ten bytes; the whole header is a multiple of 64 and ends with a line feed.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = Vec::with_capacity(10 + header.len() + columns.len() * 4);
    bytes.extend_from_slice(b"\x93NUMPY\x01\x00");
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    let start = bytes.len();
    bytes.resize(start + columns.len() * 4, 0);
    // Sixteen columns at a time: a column is read from one cache line, and each row is written in whole ones.
    for (block, part) in columns.chunks(16 * rows.max(1)).enumerate() {
        for row in 0..rows {
            let at = start + (row * count + block * 16) * 4;
            let cells = bytes[at..].chunks_exact_mut(4);
            for (cell, value) in cells.zip(part[row..].iter().step_by(rows)) {
                cell.copy_from_slice(&value.to_le_bytes());
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_written_row_by_row_after_an_aligned_header() {
        let (rows, count) = (3, 37);
        let columns: Vec<f32> = (0..rows * count).map(|n| n as f32).collect();
        let bytes = from_columns(&columns, rows);
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((10 + length) % 64, 0);
        let header = std::str::from_utf8(&bytes[10..10 + length]).expect("text");
        assert!(header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 37), }"));
        assert!(header.ends_with('\n'));
        let values: Vec<f32> = bytes[10 + length..]
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes(four.try_into().expect("four bytes")))
            .collect();
        let want: Vec<f32> =
            (0..rows).flat_map(|row| (0..count).map(move |column| (column * rows + row) as f32)).collect();
        assert_eq!(values, want);
    }
}
