//! Words of PromQL.

/// A word of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A name of a metric, a label, a function or a keyword. Colons belong to names of recording rules.
    Name(String),
    /// A number.
    Number(f64),
    /// `5m`, or a variable of Grafana's in place of one: `$__rate_interval`.
    Duration(String),
    /// What is between quotes, escapes resolved as far as backslash and quote go.
    Text(String),
    /// Everything else: parentheses, brackets, commas, operators.
    Sign(&'static str),
}

/// Longest first.
const SIGNS: &[&str] = &[
    "==", "!=", ">=", "<=", "=~", "!~", "(", ")", "{", "}", "[", "]", ",", ":", "+", "-", "*", "/", "%", "^",
    ">", "<", "=", "@",
];

/// The words of `text`, or what is wrong with it.
pub fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '#' => {
                rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
                continue;
            }
            '"' | '\'' => quoted(rest, first)?,
            '$' => {
                let length = span(rest, |c| c == '$' || c == '_' || c.is_ascii_alphanumeric());
                if length == 1 {
                    return Err(format!("a variable without a name, before {rest:?}"));
                }
                (Token::Duration(rest[..length].to_owned()), length)
            }
            '0'..='9' | '.' => number_or_duration(rest)?,
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = span(rest, |c| c == '_' || c == ':' || c.is_ascii_alphanumeric());
                (Token::Name(rest[..length].to_owned()), length)
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| format!("{first:?} begins no word, before {rest:?}"))?;
                (Token::Sign(sign), sign.len())
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn span(text: &str, is_part: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

fn quoted(text: &str, quote: char) -> Result<(Token, usize), String> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some((_, escaped)) if escaped == '\\' || escaped == quote => value.push(escaped),
                other => return Err(format!("the escape {other:?} in {text:?}")),
            },
            c if c == quote => return Ok((Token::Text(value), at + 1)),
            c => value.push(c),
        }
    }
    Err(format!("no quote ends {text:?}"))
}

fn number_or_duration(text: &str) -> Result<(Token, usize), String> {
    let length = span(text, |c| c == '.' || c.is_ascii_alphanumeric());
    let word = &text[..length];
    if let Ok(number) = word.parse() {
        return Ok((Token::Number(number), length));
    }
    // 1h30m
    let is_duration = word.split_inclusive(|c: char| c.is_ascii_alphabetic()).all(|part| {
        let digits = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && part.ends_with(['s', 'm', 'h', 'd', 'w', 'y'])
    });
    match is_duration {
        true => Ok((Token::Duration(word.to_owned()), length)),
        false => Err(format!("{word:?} is neither a number nor a duration")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Token {
        Token::Name(name.into())
    }

    #[test]
    fn names_labels_values_and_ranges_are_told_apart() {
        assert_eq!(
            tokens("rate(vmi:a_b:sum{node=~\"$node\", le=\"0.5\"}[$__rate_interval]) >= 1e3").unwrap(),
            [
                name("rate"),
                Token::Sign("("),
                name("vmi:a_b:sum"),
                Token::Sign("{"),
                name("node"),
                Token::Sign("=~"),
                Token::Text("$node".into()),
                Token::Sign(","),
                name("le"),
                Token::Sign("="),
                Token::Text("0.5".into()),
                Token::Sign("}"),
                Token::Sign("["),
                Token::Duration("$__rate_interval".into()),
                Token::Sign("]"),
                Token::Sign(")"),
                Token::Sign(">="),
                Token::Number(1000.0),
            ]
        );
    }

    #[test]
    fn a_name_in_a_value_is_no_name() {
        assert_eq!(tokens("'up \"down\" \\\\'").unwrap(), [Token::Text("up \"down\" \\".into())]);
    }

    #[test]
    fn durations_may_have_parts() {
        assert_eq!(tokens("1h30m").unwrap(), [Token::Duration("1h30m".into())]);
        assert_eq!(tokens("1d # a day\n5").unwrap(), [Token::Duration("1d".into()), Token::Number(5.0)]);
    }

    #[test]
    fn what_is_no_word_is_refused() {
        for text in ["\"open", "5x", "a ? b", "\"\\d\"", "${node}"] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }
}
