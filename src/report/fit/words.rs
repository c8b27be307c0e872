//! What to do to end a collision, and why nothing can be done, in words.

use trialbook_lint::fit::{Party, Step, Stuck};

/// Returns what to do, as an imperative.
pub(super) fn title(steps: &[Step]) -> String {
    steps.iter().map(step).collect::<Vec<_>>().join(", ")
}

fn step(step: &Step) -> String {
    match step {
        Step::Start { party, to, from } => format!("start `{}` on {to} instead of {from}", party.key),
        Step::Allocate { experiment, to, from } => {
            format!("allocate {to} to `{experiment}` instead of {from}")
        }
        Step::Join { experiment, layer } => format!("put `{experiment}` into layer `{layer}`"),
        Step::MakeLayer { layer } => format!("make a layer `{layer}`"),
        Step::Leave { experiment, layer } => {
            format!("take `{experiment}` out of layer `{layer}`: it meets the others at random")
        }
        Step::Give { buckets } => {
            let given: Vec<_> = buckets.iter().map(|(set, key)| format!("{set} to `{key}`")).collect();
            format!("give {}", given.join(" and "))
        }
        Step::KeepOut { of, whom, audience } => {
            format!("keep the audience of `{}` out of `{}`: not {audience}", whom.key, of.key)
        }
    }
}

/// Returns why nothing ends a collision.
pub(super) fn why_stuck(stuck: &Stuck) -> String {
    let name = |party: &Party| format!("`{}`", party.key);
    match stuck {
        Stuck::NobodyConcerned => "it concerns no experiment that could be edited".to_owned(),
        Stuck::Launched(parties) => match parties.as_slice() {
            [one] => format!(
                "{} is launched, and a launched experiment is not edited: conclude it, or start again under another key",
                name(one)
            ),
            all => format!(
                "{} are all launched, and what is launched is not edited: conclude one of them",
                all.iter().map(name).collect::<Vec<_>>().join(" and ")
            ),
        },
        Stuck::NothingFits => {
            "no later start, share, layer or condition of what is not launched ends it without another error: \
             change the audiences, or take one of them out"
                .to_owned()
        }
        Stuck::OnlyWithWarnings => "every edit that ends it brings another warning".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trialbook_model::{Kind, Share};

    fn party(key: &str) -> Party {
        Party { kind: Kind::Experiment, key: key.to_owned() }
    }

    #[test]
    fn steps_read_as_one_imperative() {
        let (key, layer) = ("a".to_owned(), "page".to_owned());
        let steps = [
            Step::MakeLayer { layer: layer.clone() },
            Step::Join { experiment: key.clone(), layer },
            Step::Allocate {
                experiment: key,
                to: Share::parse("40%").expect("a share"),
                from: Share::parse("60%").expect("a share"),
            },
        ];
        let expected = "make a layer `page`, put `a` into layer `page`, allocate 40% to `a` instead of 60%";
        assert_eq!(title(&steps), expected);
        let start = Step::Start { party: party("b"), to: "2027-01-05".into(), from: "2026-12-01".into() };
        assert_eq!(title(&[start]), "start `b` on 2027-01-05 instead of 2026-12-01");
        let kept = Step::KeepOut { of: party("a"), whom: party("b"), audience: "{country: SE}".into() };
        assert_eq!(title(&[kept]), "keep the audience of `b` out of `a`: not {country: SE}");
    }

    #[test]
    fn what_is_launched_is_named() {
        let one = why_stuck(&Stuck::Launched(vec![party("a")]));
        assert!(one.starts_with("`a` is launched"), "{one}");
        let two = why_stuck(&Stuck::Launched(vec![party("a"), party("c")]));
        assert!(two.starts_with("`a` and `c` are all launched"), "{two}");
    }
}
