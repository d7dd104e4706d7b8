//! The order in which kinds are installed, so that what others need is there first; removed, the other way round. The lists are Helm's.

/// Kinds in the order in which they are installed; kinds that are not here come after them, by name.
pub const INSTALL: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];

/// Kinds in the order in which they are removed. Not quite the other list backwards: Helm keeps two.
pub const UNINSTALL: &[&str] = &[
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    "CronJob",
    "Job",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "DaemonSet",
    "RoleBindingList",
    "RoleBinding",
    "RoleList",
    "Role",
    "ClusterRoleBindingList",
    "ClusterRoleBinding",
    "ClusterRoleList",
    "ClusterRole",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "SecretList",
    "Secret",
    "ServiceAccount",
    "PodDisruptionBudget",
    "PodSecurityPolicy",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
    "Namespace",
    "PriorityClass",
];

/// Sorts things by their kind. What stands equal keeps its order.
pub fn sort_by_kind<T>(things: &mut [T], order: &[&str], kind: impl Fn(&T) -> &str) {
    things.sort_by_cached_key(|thing| {
        let kind = kind(thing);
        match order.iter().position(|known| *known == kind) {
            Some(place) => (place, None),
            None => (order.len(), Some(kind.to_owned())),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lists_hold_the_same_kinds() {
        let (mut one, mut two) = (INSTALL.to_vec(), UNINSTALL.to_vec());
        one.sort_unstable();
        two.sort_unstable();
        assert_eq!(one, two);
    }

    #[test]
    fn unknown_kinds_come_last_by_name_and_equal_ones_keep_their_order() {
        let mut things = [("Zebra", 1), ("Deployment", 2), ("Ant", 3), ("Service", 4), ("Deployment", 5), ("Ant", 6)];
        sort_by_kind(&mut things, INSTALL, |thing| thing.0);
        assert_eq!(things.map(|thing| thing.1), [4, 2, 5, 3, 6, 1]);
    }
}
