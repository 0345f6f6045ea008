//! The word that was meant by a misspelt one.

/// The known word nearest to a wrong one, when it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|word| (distance(wrong, word), *word))
        .filter(|(distance, word)| *distance <= (word.len() / 4).saturating_add(1))
        .min()
        .map(|(_, word)| word)
}

/// Letters to change, add or drop to make one word the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        let Some((first, rest)) = row.split_first_mut() else {
            continue;
        };
        *first = left;
        for (cell, b) in rest.iter_mut().zip(other.chars()) {
            let above = *cell;
            let changed = diagonal.saturating_add(usize::from(a != b));
            let cost = changed
                .min(above.saturating_add(1))
                .min(left.saturating_add(1));
            (diagonal, left) = (above, cost);
            *cell = cost;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_offered_and_a_far_one_is_not() {
        assert_eq!(nearest("plam", &["place", "plan", "retries"]), Some("plan"));
        assert_eq!(nearest("colour", &["place", "plan", "retries"]), None);
        assert_eq!(nearest("divice", &["dev", "device"]), Some("device"));
        assert_eq!(nearest("anything", &[]), None);
    }

    #[test]
    fn letters_are_changed_added_and_dropped() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }
}
