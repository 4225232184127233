//! Values as bytes of a scratch file: a tag, then what it needs, numbers with the little end first.

use std::collections::BTreeMap;

use super::array::{Array, Data};
use super::value::Value;

/// Writes a value behind what is there.
pub fn put(value: &Value, to: &mut Vec<u8>) {
    match value {
        Value::Null => to.push(0),
        Value::Bool(truth) => to.extend([1, u8::from(*truth)]),
        Value::Int(whole) => {
            to.push(2);
            to.extend(whole.to_le_bytes());
        }
        Value::Float(float) => {
            to.push(3);
            to.extend(float.to_le_bytes());
        }
        Value::Text(text) => {
            to.push(4);
            put_text(text, to);
        }
        Value::List(items) => {
            to.push(5);
            put_number(items.len(), to);
            items.iter().for_each(|item| put(item, to));
        }
        Value::Object(fields) => {
            to.push(6);
            put_number(fields.len(), to);
            for (name, value) in fields {
                put_text(name, to);
                put(value, to);
            }
        }
        Value::Array(Array { shape, data }) => {
            to.push(7);
            put_number(shape.len(), to);
            shape.iter().for_each(|length| put_number(*length, to));
            match data {
                Data::Bool(data) => {
                    to.push(0);
                    to.extend(data.iter().map(|one| u8::from(*one)));
                }
                Data::Int(data) => {
                    to.push(1);
                    to.extend(data.iter().flat_map(|one| one.to_le_bytes()));
                }
                Data::Float32(data) => {
                    to.push(2);
                    to.extend(data.iter().flat_map(|one| one.to_le_bytes()));
                }
                Data::Float(data) => {
                    to.push(3);
                    to.extend(data.iter().flat_map(|one| one.to_le_bytes()));
                }
            }
        }
    }
}

/// Takes the next value off `bytes`; none where these are not what [`put`] wrote.
pub fn take(bytes: &mut &[u8]) -> Option<Value> {
    Some(match byte(bytes)? {
        0 => Value::Null,
        1 => Value::Bool(byte(bytes)? != 0),
        2 => Value::Int(i64::from_le_bytes(fixed(bytes)?)),
        3 => Value::Float(f64::from_le_bytes(fixed(bytes)?)),
        4 => Value::Text(take_text(bytes)?),
        5 => Value::List((0..number(bytes)?).map(|_| take(bytes)).collect::<Option<_>>()?),
        6 => {
            let fields = (0..number(bytes)?).map(|_| Some((take_text(bytes)?, take(bytes)?)));
            Value::Object(fields.collect::<Option<BTreeMap<_, _>>>()?)
        }
        7 => {
            let shape: Vec<usize> = (0..number(bytes)?).map(|_| number(bytes)).collect::<Option<_>>()?;
            let count: usize = shape.iter().product();
            let data = match byte(bytes)? {
                0 => Data::Bool(many(bytes, count)?.map(|[one]: [u8; 1]| one != 0).collect()),
                1 => Data::Int(many(bytes, count)?.map(i64::from_le_bytes).collect()),
                2 => Data::Float32(many(bytes, count)?.map(f32::from_le_bytes).collect()),
                3 => Data::Float(many(bytes, count)?.map(f64::from_le_bytes).collect()),
                _ => return None,
            };
            Value::Array(Array { shape, data })
        }
        _ => return None,
    })
}

fn put_number(number: usize, to: &mut Vec<u8>) {
    to.extend((number as u64).to_le_bytes());
}

fn put_text(text: &str, to: &mut Vec<u8>) {
    put_number(text.len(), to);
    to.extend(text.as_bytes());
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

fn fixed<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn number(bytes: &mut &[u8]) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(fixed(bytes)?)).ok()
}

fn take_text(bytes: &mut &[u8]) -> Option<String> {
    let length = number(bytes)?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    String::from_utf8(text.to_vec()).ok()
}

fn many<'b, const N: usize>(bytes: &mut &'b [u8], count: usize) -> Option<impl Iterator<Item = [u8; N]> + use<'b, N>> {
    let (taken, rest) = bytes.split_at_checked(count.checked_mul(N)?)?;
    *bytes = rest;
    Some(taken.as_chunks::<N>().0.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were_and_what_is_cut_does_not() {
        let json = serde_json::json!({"a": [1, 2.5, "é", null, true], "b": {"c": []}});
        let array = |shape: &[usize], data| Value::Array(Array { shape: shape.to_vec(), data });
        let all = [
            Value::from(json),
            array(&[2, 1], Data::Float32(vec![1.5, f32::INFINITY])),
            array(&[], Data::Int(vec![i64::MIN])),
            array(&[0, 3], Data::Bool(Vec::new())),
            array(&[1], Data::Float(vec![-0.0])),
        ];
        let mut bytes = Vec::new();
        all.iter().for_each(|one| put(one, &mut bytes));
        let mut rest = &bytes[..];
        for one in &all {
            assert_eq!(take(&mut rest).as_ref(), Some(one));
        }
        assert!(rest.is_empty());
        let mut first = Vec::new();
        put(&all[0], &mut first);
        assert!((0..first.len()).all(|length| take(&mut &first[..length]).is_none()));
    }
}
